//! Scheduler's habits: a `rate()` fires as soon as it is made, and every wake-up may come twice.
//!
//! The emulator makes schedules in its own process and fires them there, so they are watched from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::NaiveDateTime;
use serde_json::Value;

use super::state::Inner;

/// How often the list of schedules is read.
const EVERY: Duration = Duration::from_millis(300);
/// How long after the first wake-up the second one comes.
const REPEATED_AFTER: Duration = Duration::from_secs(1);

/// A schedule as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Schedule {
    expression: String,
    function: String,
    event: String,
}

impl Schedule {
    fn of(told: &Value) -> Option<Self> {
        let target = &told["Target"];
        Some(Self {
            expression: told["ScheduleExpression"].as_str()?.to_owned(),
            function: target["Arn"].as_str()?.rsplit(':').next()?.to_owned(),
            event: target["Input"].as_str().unwrap_or("{}").to_owned(),
        })
    }

    fn is_rate(&self) -> bool {
        self.expression.starts_with("rate(")
    }

    /// When a one-time schedule fires, in seconds since 1970.
    fn fires_at(&self) -> Option<u64> {
        let text = self.expression.strip_prefix("at(")?.strip_suffix(')')?;
        let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
        u64::try_from(at.and_utc().timestamp()).ok()
    }
}

/// Watches for as long as the runtime lives.
pub(super) async fn watch(inner: Arc<Inner>) {
    let mut known: BTreeMap<String, Schedule> = BTreeMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let listed = inner.upstream.get("scheduler", "/schedules").await;
        let names = listed["Schedules"].as_array().into_iter().flatten().filter_map(|one| one["Name"].as_str());
        for name in names {
            let told = inner.upstream.get("scheduler", &format!("/schedules/{name}")).await;
            let Some(schedule) = Schedule::of(&told) else { continue };
            let before = known.insert(name.to_owned(), schedule.clone());
            if before.as_ref() == Some(&schedule) {
                continue;
            }
            if schedule.is_rate() && before.is_none() && inner.strictness.fires_rates_at_once {
                wake(&inner, name, &schedule).await;
                if inner.strictness.repeats_wake_ups {
                    tokio::spawn(later(inner.clone(), name.to_owned(), schedule, REPEATED_AFTER));
                }
            } else if let Some(at) = schedule.fires_at().filter(|_| inner.strictness.repeats_wake_ups) {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let wait = Duration::from_secs(at).saturating_sub(now) + REPEATED_AFTER;
                tokio::spawn(later(inner.clone(), name.to_owned(), schedule, wait));
            }
        }
    }
}

async fn later(inner: Arc<Inner>, name: String, schedule: Schedule, wait: Duration) {
    tokio::time::sleep(wait).await;
    wake(&inner, &name, &schedule).await;
}

async fn wake(inner: &Inner, name: &str, schedule: &Schedule) {
    *inner.seen().wake_ups.entry(name.to_owned()).or_default() += 1;
    inner.upstream.invoke(&schedule.function, schedule.event.clone()).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_one_time_schedule_tells_its_moment() {
        let target = json!({ "Arn": "arn:aws:lambda:eu-west-1:0:function:reviver" });
        let schedule =
            |expression: &str| Schedule::of(&json!({ "ScheduleExpression": expression, "Target": target })).unwrap();
        assert_eq!(schedule("at(1970-01-02T00:00:01)").fires_at(), Some(86_401));
        assert_eq!(schedule("at(2026-11-28T16:37:05)").fires_at(), Some(1_795_883_825));
        assert_eq!(schedule("at(nonsense)").fires_at(), None);
        assert_eq!(schedule("rate(3 hours)").fires_at(), None);
        assert!(schedule("rate(3 hours)").is_rate() && !schedule("cron(1 * * * ? *)").is_rate());
        assert_eq!(schedule("at(x)").function, "reviver");
    }
}
