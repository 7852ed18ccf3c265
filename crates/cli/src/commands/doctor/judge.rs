//! What doctor makes of what it was told: pure, so that every fault has a test.

use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::ports::{ApiError, KeyPoints, Malformed, PublishError};
use parsebook_core::rule::Rule;
use parsebook_core::status::RuleStatus;

use super::check::Check;
use crate::output::{difficulty, grouped};

/// A clock that is off by more makes points, leases and schedules wrong.
const WORST_SKEW: TimeDelta = TimeDelta::seconds(30);
/// The site and API of everybody.
const LIVE_HOST: &str = "warcraftlogs.com";

/// The settings, read or not: then the variable, and what is wrong with it.
pub fn settings(read: Result<(), (&str, &str)>) -> Check {
    match read {
        Ok(()) => Check::ok("settings", "every variable can be read"),
        Err((variable, problem)) => {
            let fix = format!("set {variable} as the README's table of variables says");
            Check::failed("settings", format!("{variable} {problem}"), fix)
        }
    }
}

/// The store, opened or not, and its rules. `flags` are what a command must be told to work on this store.
pub fn store(
    name: &str,
    rules: Result<&(Vec<Rule>, Vec<Malformed>), &anyhow::Error>,
    flags: &str,
    now: Timestamp,
) -> Vec<Check> {
    let (rules, malformed) = match rules {
        Ok(rules) => rules,
        Err(error) => {
            let text = format!("{error:#}");
            let fix = if name == "MongoDB" || text.contains("MONGODB_") {
                "check MONGODB_URI and MONGODB_DATABASE, the server, and its list of allowed addresses".to_owned()
            } else if text.contains("no store") {
                format!("parsebook rules add --raid 44 --difficulty 4{flags}, or name the right folder with --data")
            } else {
                "check the folder's permissions and free space (df), or name another with --data".to_owned()
            };
            return vec![Check::failed("store", text, fix)];
        }
    };
    let mut checks = vec![Check::ok("store", name)];
    for malformed in malformed {
        let fix = format!("correct the document, or parsebook rules remove ID{flags}");
        checks.push(Check::failed("rule", malformed.to_string(), fix));
    }
    if rules.is_empty() {
        let fix = format!("parsebook rules add --raid 44 --difficulty 4{flags}");
        checks.push(Check::failed("rules", "there are none: nothing is discovered", fix));
    } else if rules.iter().all(|rule| !rule.enabled) {
        let fix = format!("parsebook rules resume ID{flags}");
        checks.push(Check::failed("rules", "all are paused: nothing is discovered", fix));
    }
    for rule in rules {
        let status = RuleStatus::of(rule, rules, now);
        let name = format!("rule {} {}", rule.target.raid, difficulty(rule.target.difficulty));
        if status.is_failing {
            let fix = match &rule.state.block {
                Some(_) => "see docs/deploy.md, \"When the site refuses\"".to_owned(),
                None => {
                    format!("mend what it says; where the raid is wrong: parsebook rules remove {}{flags}", rule.id)
                }
            };
            checks.push(Check::failed(name, status.state, fix));
        }
    }
    if checks.len() == 1 {
        checks.push(Check::ok("rules", format!("{} are fine", rules.len())));
    }
    checks
}

/// One key: its points, or why it could not be asked.
pub fn key(name: &str, points: Result<&KeyPoints, &ApiError>, points_a_player: f64, now: Timestamp) -> Check {
    let check = format!("key {name}");
    match points {
        Ok(points) if points.limit_per_hour <= 0.0 => {
            Check::failed(check, "has no points in any hour", "make another client at warcraftlogs.com/api/clients")
        }
        Ok(points) if points.limit_per_hour < points_a_player => Check::failed(
            check,
            format!("has {:.0} points an hour, a player may cost {points_a_player:.0}", points.limit_per_hour),
            "lower WCL_CALL_BUDGET, or use a key with more points",
        ),
        Ok(points) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "points are few")]
            let players = (points.limit_per_hour / points_a_player) as u64;
            Check::ok(
                check,
                format!(
                    "valid, {:.0} of {:.0} points left until {}; an hour buys about {} players",
                    points.remaining,
                    points.limit_per_hour,
                    points.resets_at.format("%H:%M UTC"),
                    grouped(players)
                ),
            )
        }
        Err(ApiError::PointsExhausted { resets_at }) => {
            let minutes = (*resets_at - now).num_minutes().max(0);
            Check::ok(check, format!("valid, without points for another {minutes} min"))
        }
        Err(ApiError::BadKey { reason, .. }) => {
            let fix = "compare clientId and clientSecret in WCL_API_KEYS with warcraftlogs.com/api/clients";
            Check::failed(check, format!("is not accepted: {reason}"), fix)
        }
        Err(error @ ApiError::Refused(_)) => {
            Check::failed(check, error.to_string(), "wait, and do not try to get round it: docs/deploy.md")
        }
        Err(ApiError::Failed(error)) => {
            Check::failed(check, format!("{error:#}"), "check WCL_URL (--wcl-url) and this machine's way out")
        }
    }
}

/// Which Warcraft Logs is asked.
pub fn api(url: &str, answered: Result<(), &str>) -> Check {
    let host = url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or_default();
    let is_live = host == LIVE_HOST || host.ends_with(&format!(".{LIVE_HOST}"));
    match answered {
        Ok(()) if is_live => Check::ok("API", format!("live: {url}")),
        Ok(()) => Check::ok("API", format!("simulated, or a stand-in: {url}")),
        Err(reason) => Check::failed("API", reason, "check WCL_URL (--wcl-url) and this machine's way out"),
    }
}

/// This machine's clock against a server's.
pub fn clock(here: Timestamp, there: Option<Timestamp>) -> Check {
    let Some(there) = there else {
        return Check::ok("clock", "the server told no time to compare with");
    };
    let skew = here - there;
    if skew.abs() <= WORST_SKEW {
        return Check::ok("clock", "agrees with the server's");
    }
    let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let what = format!("{} s {direction} the server's", grouped(skew.num_seconds().unsigned_abs()));
    Check::failed("clock", what, "set the clock by NTP: timedatectl set-ntp true")
}

/// Whether the addon repository may be written.
pub fn repository(place: &str, writable: Result<(), &PublishError>) -> Check {
    let fix = match writable {
        Ok(()) => return Check::ok("addon repository", format!("may be written: {place}")),
        Err(PublishError::PushRejected(_)) => {
            "give GIT_TOKEN the right to write contents of this repository, or unprotect GIT_BRANCH"
        }
        Err(_) if place.contains("://") => "check GIT_REPOSITORY_URL, GIT_BRANCH and GIT_TOKEN",
        Err(_) => "name a folder that can be written with --out",
    };
    let what = writable.err().map(|error| format!("{:#}", Chain(error))).unwrap_or_default();
    Check::failed("addon repository", what, fix)
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
