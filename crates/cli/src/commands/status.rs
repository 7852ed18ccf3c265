//! `parsebook status`.

use chrono::Utc;
use parsebook_core::Timestamp;
use parsebook_core::status::Status;

use crate::args::{Common, StatusArgs};
use crate::output::{grouped, printable, say, say_json};
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
        lines.push(format!("            {what} by {}: {}", rule.source, printable(&rule.state)));
    }
    lines.push(format!("discovered  {} players wait to be queued", grouped(status.discovered)));
    lines.push(match status.queued {
        Some(queued) => format!("queue       {} players wait to be ranked", grouped(queued)),
        None => "queue       elsewhere: see parsebook doctor --aws".to_owned(),
    });
    lines.push(format!("players     {} with ranks", grouped(status.players)));
    let points = &status.points;
    if let (Some(limit), Some(each)) = (points.an_hour, points.a_player) {
        lines.push(format!(
            "points      {:.0} of {limit:.0} used this hour; a player costs {each:.1}",
            points.used_this_hour
        ));
    }
    if let Some(pace) = status.players_a_day {
        let left =
            status.days_until_all_ranked.map_or_else(String::new, |days| format!("; all ranked in {days:.1} days"));
        lines.push(format!("pace        {pace:.0} players a day{left}"));
    }
    for region in &status.regions {
        let census = &region.census;
        let oldest = census.oldest.map(time).unwrap_or_default();
        lines.push(format!(
            "region      {}: {} players, oldest rank {oldest}",
            printable(&census.region),
            grouped(census.players)
        ));
    }
    if status.reports.total > 0 {
        let reports = &status.reports;
        let (due, total) = (grouped(reports.due), grouped(reports.total));
        lines.push(format!("reports     {due} of {total} due, {} not yet ranked", grouped(reports.not_yet_ranked)));
    }
    for database in &status.database {
        lines.push(format!(
            "database    {}: {} characters, {} bytes, published {}",
            printable(&database.region),
            grouped(database.newest.characters),
            grouped(database.newest.bytes),
            time(database.newest.at)
        ));
    }
    lines.extend(status.malformed.iter().map(|document| format!("malformed   {}", printable(document))));
    if let Some(count @ 1..) = status.set_aside {
        lines.push(format!("set aside   {} messages; the newest:", grouped(count)));
    }
    lines
}

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
