//! What doctor makes of a deployed stack. Pure.

use chrono::TimeDelta;
use parsebook_core::Timestamp;

use super::check::Check;
use crate::output::grouped;

/// What AWS told of a stack. An error stands where it could not be asked.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// Invocations at a time that the account allows.
    pub account_concurrency: Told<i64>,
    /// player-rank's limit; `None` where nothing is reserved.
    pub limit: Told<Option<i64>>,
    /// The limit that the template asks for.
    pub wanted_limit: i64,
    /// The state of player-rank's queue mapping, as Lambda names it.
    pub mapping: Told<String>,
    /// Whether the one-time schedule that wakes player-rank waits.
    pub is_revival_scheduled: bool,
    /// Messages in the queue.
    pub queued: Told<i64>,
    /// Most messages that belong there.
    pub queue_limit: i64,
    /// Dead letters.
    pub dead_letters: Told<i64>,
    /// Wake-ups that could not be delivered.
    pub lost_wake_ups: Told<i64>,
    /// Each schedule and whether it is enabled.
    pub schedules: Vec<(String, Told<bool>)>,
    /// Subscriptions of the alarms, and how many of them wait for a confirmation.
    pub subscriptions: Told<(usize, usize)>,
    /// When db-generator last ended well.
    pub published_at: Option<Timestamp>,
}

/// What was told, or why nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<T>(pub Result<T, String>);

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self(Err("not asked".to_owned()))
    }
}

/// Invocations that AWS keeps for functions without a reservation.
const KEPT_UNRESERVED: i64 = 100;
/// The database is published daily: older than this, a day was missed.
const OLDEST_PUBLICATION: TimeDelta = TimeDelta::hours(49);

/// A check of each part.
pub fn checks(stack: &Stack, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![
        told("quota", &stack.account_concurrency, |&quota| quota_check(quota, stack)),
        told("mapping", &stack.mapping, |state| mapping(state, stack.is_revival_scheduled)),
        told("limit", &stack.limit, |limit| limit_check(*limit, stack)),
        told("queue", &stack.queued, |&queued| queue(queued, stack.queue_limit)),
        told("dead letters", &stack.dead_letters, |&count| {
            none_of(
                "dead letters",
                count,
                "messages failed too often",
                "look at their attribute \"reason\"; when the cause is gone: aws sqs start-message-move-task (docs/deploy.md)",
            )
        }),
        told("wake-ups", &stack.lost_wake_ups, |&count| {
            none_of(
                "wake-ups",
                count,
                "schedules could not start their function",
                "check that the role of Scheduler may invoke the functions; deploy again",
            )
        }),
    ];
    for (name, state) in &stack.schedules {
        let check = format!("schedule {name}");
        checks.push(told(&check, state, |&is_enabled| match is_enabled {
            true => Check::ok(&check, "enabled"),
            false => Check::failed(&check, "is disabled", "enable it in the console, or deploy again"),
        }));
    }
    checks.push(told("alarms", &stack.subscriptions, |&(all, waiting)| alarms(all, waiting)));
    checks.push(data_age(stack.published_at, now));
    checks
}

fn told<T>(name: &str, told: &Told<T>, judge: impl Fn(&T) -> Check) -> Check {
    match &told.0 {
        Ok(value) => judge(value),
        Err(reason) => Check::failed(
            name,
            reason,
            "check AWS_REGION, --name-prefix, your login (aws sts get-caller-identity) and its rights",
        ),
    }
}

/// Invocations at a time that an account must allow for all reservations of the stack: player-rank's and aggregator's.
fn needed(stack: &Stack) -> i64 {
    stack.wanted_limit + 1 + KEPT_UNRESERVED
}

fn quota_check(quota: i64, stack: &Stack) -> Check {
    let needed = needed(stack);
    if quota >= needed {
        return Check::ok("quota", format!("{quota} invocations at a time"));
    }
    let what = format!("the account allows {quota} invocations at a time; reserving takes {needed}");
    let fix = "ask for more: Service Quotas, Lambda, \"Concurrent executions\"; until then the pipeline pauses by its mapping";
    Check::failed("quota", what, fix)
}

fn mapping(state: &str, is_revival_scheduled: bool) -> Check {
    match (state, is_revival_scheduled) {
        ("Enabled" | "Enabling" | "Updating", _) => Check::ok("mapping", "enabled"),
        (_, true) => Check::ok("mapping", "paused for points; the reviver is scheduled"),
        (state, false) => Check::failed(
            "mapping",
            format!("is {state} and nothing is scheduled to wake it"),
            "scripts/invoke --remote reviver reviver",
        ),
    }
}

fn limit_check(limit: Option<i64>, stack: &Stack) -> Check {
    let is_paused = stack.is_revival_scheduled;
    match limit {
        Some(limit) if limit == stack.wanted_limit => Check::ok("limit", format!("{limit} at a time")),
        Some(0) if !is_paused => Check::failed(
            "limit",
            "is 0 and nothing is scheduled to raise it",
            "scripts/invoke --remote reviver reviver",
        ),
        Some(limit) if limit < stack.wanted_limit => {
            Check::ok("limit", format!("{limit} of {} at a time: lowered until points are back", stack.wanted_limit))
        }
        Some(limit) => Check::failed(
            "limit",
            format!("is {limit}, above the {} of the template", stack.wanted_limit),
            "scripts/invoke --remote reviver reviver",
        ),
        None if stack.account_concurrency.0.as_ref().is_ok_and(|quota| *quota < needed(stack)) => {
            Check::ok("limit", "nothing is reserved: the account cannot; the mapping's own limit holds")
        }
        None => Check::failed(
            "limit",
            "nothing is reserved: the reviver never ran",
            "scripts/invoke --remote reviver reviver",
        ),
    }
}

fn queue(queued: i64, most: i64) -> Check {
    let count = grouped(queued.unsigned_abs());
    if queued <= most {
        return Check::ok("queue", format!("{count} messages"));
    }
    let what = format!("{count} messages, more than the {most} of QUEUE_LIMIT");
    Check::failed("queue", what, "rank fewer difficulties or raids (parsebook rules pause ID), or fewer REGIONS")
}

fn none_of(name: &str, count: i64, what: &str, fix: &str) -> Check {
    if count == 0 { Check::ok(name, "none") } else { Check::failed(name, format!("{count} {what}"), fix) }
}

fn alarms(all: usize, waiting: usize) -> Check {
    match (all, waiting) {
        (0, _) => Check::failed("alarms", "go to nobody", "scripts/deploy AlarmEmail=you@example.org"),
        (_, 0) => Check::ok("alarms", format!("go to {all} confirmed addresses")),
        (all, waiting) => Check::failed(
            "alarms",
            format!("{waiting} of {all} addresses are not confirmed"),
            "follow the link in the mail \"AWS Notification - Subscription Confirmation\"",
        ),
    }
}

fn data_age(published_at: Option<Timestamp>, now: Timestamp) -> Check {
    match published_at {
        Some(at) if now - at <= OLDEST_PUBLICATION => {
            Check::ok("data age", format!("published {} h ago", (now - at).num_hours()))
        }
        Some(at) => Check::failed(
            "data age",
            format!("last published {} days ago", (now - at).num_days()),
            "see db-generator's last failure: parsebook report --store mongodb --out report.html",
        ),
        None => Check::failed(
            "data age",
            "the journal knows of no publication",
            "scripts/invoke --remote db-generator db-generator",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn healthy() -> Stack {
        Stack {
            account_concurrency: Told(Ok(1000)),
            limit: Told(Ok(Some(5))),
            wanted_limit: 5,
            mapping: Told(Ok("Enabled".into())),
            is_revival_scheduled: false,
            queued: Told(Ok(31_000)),
            queue_limit: 80_000,
            dead_letters: Told(Ok(0)),
            lost_wake_ups: Told(Ok(0)),
            schedules: vec![("discover".into(), Told(Ok(true))), ("db-generator".into(), Told(Ok(true)))],
            subscriptions: Told(Ok((1, 0))),
            published_at: Some(now() - TimeDelta::hours(20)),
        }
    }

    #[test]
    fn a_healthy_stack_passes_also_while_it_pauses() {
        let is_fine = |stack: &Stack| checks(stack, now()).iter().all(Check::is_ok);
        assert!(is_fine(&healthy()), "{:#?}", checks(&healthy(), now()));
        let paused = Stack {
            mapping: Told(Ok("Disabled".into())),
            limit: Told(Ok(Some(0))),
            is_revival_scheduled: true,
            ..healthy()
        };
        assert!(is_fine(&paused), "{:#?}", checks(&paused, now()));
    }

    #[test]
    fn each_fault_is_named_alone_with_its_fix() {
        let faults = [
            ("quota", "allows 10", Stack { account_concurrency: Told(Ok(10)), ..healthy() }),
            ("mapping", "nothing is scheduled", Stack { mapping: Told(Ok("Disabled".into())), ..healthy() }),
            ("limit", "is 0", Stack { limit: Told(Ok(Some(0))), ..healthy() }),
            ("limit", "above", Stack { limit: Told(Ok(Some(50))), ..healthy() }),
            ("limit", "nothing is reserved", Stack { limit: Told(Ok(None)), ..healthy() }),
            ("queue", "QUEUE_LIMIT", Stack { queued: Told(Ok(90_000)), ..healthy() }),
            ("dead letters", "4 messages", Stack { dead_letters: Told(Ok(4)), ..healthy() }),
            ("wake-ups", "could not start", Stack { lost_wake_ups: Told(Ok(1)), ..healthy() }),
            (
                "schedule discover",
                "disabled",
                Stack { schedules: vec![("discover".into(), Told(Ok(false)))], ..healthy() },
            ),
            ("alarms", "nobody", Stack { subscriptions: Told(Ok((0, 0))), ..healthy() }),
            ("alarms", "not confirmed", Stack { subscriptions: Told(Ok((2, 1))), ..healthy() }),
            ("data age", "4 days ago", Stack { published_at: Some(now() - TimeDelta::days(4)), ..healthy() }),
            ("data age", "no publication", Stack { published_at: None, ..healthy() }),
            ("queue", "no such queue", Stack { queued: Told(Err("no such queue".into())), ..healthy() }),
        ];
        for (name, words, stack) in faults {
            let failed: Vec<_> = checks(&stack, now()).into_iter().filter(|check| !check.is_ok()).collect();
            assert_eq!(failed.len(), 1, "{name}: {failed:#?}");
            let line = failed[0].line();
            assert!(failed[0].name == name && line.contains(words) && line.contains("fix: "), "{line}");
        }
    }
}
