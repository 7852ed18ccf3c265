//! `parsebook status`.

use chrono::Utc;
use parsebook_core::status::{Points, RegionStatus, ReportsStatus, Status};

use crate::args::{Common, StatusArgs};
use crate::output::{grouped, minute, printable, rule_state, say, say_json, whole};
use crate::store::Store;

/// Dead letters that are shown.
const SHOWN: usize = 5;

pub async fn status(common: &Common, args: &StatusArgs) -> anyhow::Result<()> {
    let store = Store::existing(common).await?;
    let status = store.overview(Utc::now()).await?.status;
    if args.json {
        return say_json(&status);
    }
    lines(&status).iter().for_each(|line| say(line));
    for letter in store.dead_letters(SHOWN)? {
        say(&format!("            {}  {}", printable(&letter.body), printable(&letter.reason)));
    }
    Ok(())
}

/// The status for people, a line for each thing.
fn lines(status: &Status) -> Vec<String> {
    let mut lines = vec![format!("store       {}", status.store), format!("rules       {}", status.rules)];
    for rule in &status.discovery {
        let what = format!("raid {} {}", rule.raid, crate::output::difficulty(rule.difficulty));
        lines.push(format!("            {what} by {}: {}", rule.source, rule_state(rule)));
    }
    lines.push(format!("discovered  {} players wait to be queued", grouped(status.discovered)));
    lines.push(match status.queued {
        Some(queued) => format!("queue       {} players wait to be ranked", grouped(queued)),
        None => "queue       elsewhere: see parsebook doctor --aws".to_owned(),
    });
    lines.push(format!("players     {} with ranks", grouped(status.players)));
    lines.extend(points(&status.points));
    lines.push(pace(status));
    if let Some(oldest) = status.oldest_rank {
        lines.push(format!("oldest      rank of {}, {} days old", minute(oldest), (status.as_of - oldest).num_days()));
    }
    lines.extend(status.regions.iter().map(region));
    if status.reports.census.total > 0 {
        lines.push(reports(&status.reports));
    }
    for database in &status.database {
        let newest = &database.newest;
        lines.push(format!(
            "database    {}: {} characters on {} realms, {} bytes, published {}",
            printable(&database.region),
            grouped(newest.characters),
            grouped(newest.realms),
            grouped(newest.bytes),
            minute(newest.at)
        ));
    }
    lines.extend(status.malformed.iter().map(|document| format!("malformed   {}", printable(document))));
    if let Some(count @ 1..) = status.set_aside {
        lines.push(format!("dead        {} messages; the newest:", grouped(count)));
    }
    lines
}

fn points(points: &Points) -> Option<String> {
    let cost = points.a_player.map(|each| format!("; a player costs {each:.1} (measured)")).unwrap_or_default();
    let used = whole(points.used_this_hour);
    match points.an_hour {
        Some(limit) => Some(format!("points      {used} of {} used this hour{cost}", whole(limit))),
        None if points.a_player.is_some() => Some(format!("points      {used} used this hour, without a limit{cost}")),
        None => None,
    }
}

fn pace(status: &Status) -> String {
    let due = grouped(status.due);
    let Some(pace) = status.players_a_day else {
        return format!("pace        {due} players are due; nobody was ranked in the last week");
    };
    let left = match (status.days_until_all_ranked, status.all_ranked_by) {
        (Some(0.0), _) => "all are ranked".to_owned(),
        (Some(days), Some(by)) => format!("all are ranked in {days:.1} days, by {}", minute(by)),
        _ => "no end in sight".to_owned(),
    };
    format!("pace        {} players a day; {due} are due: {left}", whole(pace))
}

fn region(region: &RegionStatus) -> String {
    let census = &region.census;
    let oldest = census.oldest.map(minute).unwrap_or_default();
    let by = match (region.due, region.ranked_by) {
        (0, _) | (_, None) => String::new(),
        (_, Some(by)) => format!(", all ranked by {}", minute(by)),
    };
    format!("region      {}: {} players, oldest rank {oldest}{by}", printable(&census.region), grouped(census.players))
}

fn reports(reports: &ReportsStatus) -> String {
    let census = &reports.census;
    let since = census.oldest_due.map(|at| format!(" since {}", minute(at))).unwrap_or_default();
    let share = reports.share_not_yet_ranked.unwrap_or_default() * 100.0;
    let left_out: String = census
        .left_out
        .iter()
        .map(|(what, count)| format!("; of {} {what} is left out for want of points", grouped(*count)))
        .collect();
    format!(
        "reports     {} of {} due{since}; {} not yet ranked by WCL ({share:.1} %){left_out}",
        grouped(census.due),
        grouped(census.total),
        grouped(census.not_yet_ranked)
    )
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use parsebook_core::Timestamp;
    use parsebook_core::history::History;
    use parsebook_core::journal::Run;
    use parsebook_core::status::{Census, RegionCensus, ReportsCensus};
    use serde_json::json;

    use super::*;

    #[test]
    fn people_read_pace_cost_forecast_and_the_lag_of_reports() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut history = History::new(now);
        let begun = Run::begin("a".into(), "player-rank", now - TimeDelta::days(1), None);
        let summary = json!({ "done": 48, "pointsSpent": 288.0, "pointsLeft": { "main": 3600.0 } });
        history.add(&begun.ended(begun.started_at, summary));
        let mut eu = RegionCensus::new("EU".into());
        eu.add(0, 48, now - TimeDelta::days(12), now);
        let oldest_due = Some(now - TimeDelta::hours(31));
        let reports =
            ReportsCensus { total: 400, due: 12, oldest_due, not_yet_ranked: 6, left_out: [("healing", 3)].into() };
        let census = Census { discovered: 90, queued: Some(6), regions: vec![eu], reports, ..Census::default() };
        let told = lines(&Status::of("x".into(), &census, &(vec![], vec![]), &history)).join("\n");
        for line in [
            "points      0 of 3,600 used this hour; a player costs 6.0 (measured)",
            "pace        48 players a day; 96 are due: all are ranked in 2.0 days, by 2024-10-06 00:00 UTC",
            "oldest      rank of 2024-09-22 00:00 UTC, 12 days old",
            "region      EU: 48 players, oldest rank 2024-09-22 00:00 UTC, all ranked by 2024-10-06 00:00 UTC",
            "reports     12 of 400 due since 2024-10-02 17:00 UTC; 6 not yet ranked by WCL (1.5 %); \
             of 3 healing is left out for want of points",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }
}
