//! `parsebook run`, and how every command tells what the stages did.

use std::time::Duration;

use anyhow::bail;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::settings::Environment;
use parsebook_core::aggregate::{self, AggregateSummary};
use parsebook_core::discover::{RuleSummary, StopReason};
use parsebook_core::generate::{self, GenerateSummary};
use parsebook_core::moment::minute;
use parsebook_core::ports::{Clock, Rules};

use crate::args::{Common, RunArgs, StoreKind, Usage};
use crate::local::{Machine, RankTotals, RunSummary, describe};
use crate::output::{complain, grouped, say, say_json};
use crate::settings::Settings;

const DISCOVER_EVERY: Duration = Duration::from_secs(30 * 60);
/// On one machine the gate is looked at often: it costs nothing.
const AGGREGATE_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often the queue is looked at.
const CONSUME_EVERY: Duration = Duration::from_secs(60);
const GENERATE_EVERY: Duration = Duration::from_secs(24 * 3600);

pub async fn run(common: &Common, args: &RunArgs) -> anyhow::Result<()> {
    if common.store != StoreKind::Sqlite {
        return Err(Usage::of("run works on the store in --data; on MongoDB the deployed functions do the work"));
    }
    let machine = open(common)?;
    let regions = if args.regions.is_empty() { &machine.settings().regions } else { &args.regions };
    if machine.store().rules().await?.0.is_empty() {
        let add = common.store_flags();
        complain(&format!(
            "no rules: nothing is discovered; add one with: parsebook rules add --raid 44 --difficulty 4{add}"
        ));
    }
    if args.once {
        let summary = machine.run_once(regions).await?;
        return conclude(common, &summary, args.json);
    }
    tokio::select! {
        () = schedules(&machine, common, regions) => Ok(()),
        stopped = tokio::signal::ctrl_c() => {
            complain("stopped; the next run goes on from here");
            Ok(stopped?)
        }
    }
}

/// The stages over the store and the folder that `common` names.
pub fn open(common: &Common) -> anyhow::Result<Machine<SystemClock>> {
    let settings = Settings::read(&Environment::of_process())?;
    let wcl_url = common.wcl_url.as_ref().unwrap_or(&settings.wcl_url).clone();
    Machine::open(&common.data, &common.out, &wcl_url, settings, SystemClock)
}

/// All stages by their schedules, side by side, for ever.
async fn schedules(machine: &Machine<SystemClock>, common: &Common, regions: &[String]) {
    let publish = async || {
        generate_lines(common, &machine.generate(regions).await?).iter().for_each(|line| say(line));
        anyhow::Ok(())
    };
    let discover = every(machine.clock(), DISCOVER_EVERY, async || {
        let mut errors = Vec::new();
        machine.discover_due(&mut errors).await?.iter().for_each(|summary| say(&discover_line(summary)));
        errors.iter().for_each(|error| complain(error));
        Ok(())
    });
    let aggregate = every(machine.clock(), AGGREGATE_EVERY, async || {
        let summary = machine.aggregate(false).await?;
        if summary.sent > 0 {
            say(&aggregate_line(&summary));
        }
        Ok(())
    });
    let consume = every(machine.clock(), CONSUME_EVERY, async || {
        let totals = machine.rank_all().await?;
        if totals != RankTotals::default() {
            say(&rank_line(&totals));
            // New ranks are not kept waiting for the daily publication.
            publish().await?;
        }
        Ok(())
    });
    let generate = async {
        machine.clock().sleep(GENERATE_EVERY).await;
        every(machine.clock(), GENERATE_EVERY, publish).await;
    };
    futures::join!(discover, aggregate, consume, generate);
}

async fn every(clock: &SystemClock, interval: Duration, stage: impl AsyncFn() -> anyhow::Result<()>) {
    loop {
        if let Err(error) = stage().await {
            complain(&format!("{error:#}"));
        }
        clock.sleep(interval).await;
    }
}

/// Prints what was done; fails where something was refused.
pub fn conclude(common: &Common, summary: &RunSummary, json: bool) -> anyhow::Result<()> {
    if json {
        say_json(summary)?;
    } else {
        summary.discover.iter().for_each(|summary| say(&discover_line(summary)));
        if let Some(aggregator) = &summary.aggregator {
            say(&aggregate_line(aggregator));
        }
        say(&rank_line(&summary.player_rank));
        if let Some(generated) = &summary.db_generator {
            generate_lines(common, generated).iter().for_each(|line| say(line));
        }
    }
    if !json {
        say(&last_line(common, summary));
    }
    if let [first, others @ ..] = summary.errors.as_slice() {
        others.iter().for_each(|error| complain(&format!("parsebook: {error}")));
        bail!("{first}");
    }
    refusal(summary)
}

/// Fails where a source refused.
pub fn refusal(summary: &RunSummary) -> anyhow::Result<()> {
    if let Some(refused) = summary.discover.iter().find(|summary| summary.refused) {
        let until = refused.blocked_until.map(minute);
        bail!(
            "discovery was refused: {}; it is asked again after {} (rules with --source reports use the API instead)",
            refused.reason.as_deref().unwrap_or("no reason given"),
            until.as_deref().unwrap_or("a pause")
        );
    }
    Ok(())
}

/// What was achieved, and what to do next.
fn last_line(common: &Common, summary: &RunSummary) -> String {
    let published: u64 =
        summary.db_generator.iter().flat_map(|generated| &generated.regions).map(|region| region.characters).sum();
    let (data, out) = (common.store_flags(), common.out_flags());
    let next = match published {
        _ if !summary.errors.is_empty() => {
            format!("what failed is named below; mend it and run again, or see: parsebook status{data}")
        }
        0 => format!("nobody is published yet; see: parsebook status{data}"),
        _ => format!("next: parsebook lookup NAME REALM{out}, or parsebook report --out report.html{data}"),
    };
    format!("done       {} ranked, {} published; {next}", ranked(&summary.player_rank), grouped(published))
}

/// What one turn of a rule found.
pub fn discover_line(summary: &RuleSummary) -> String {
    let what = summary.target.as_ref().map_or_else(|| "nothing asked".to_owned(), describe);
    let stopped = match (summary.stopped, &summary.reason) {
        (StopReason::Complete, None) => "complete".to_owned(),
        (StopReason::Complete, Some(left_behind)) => format!("complete; {left_behind}"),
        (StopReason::EndOfBoard, _) => "to the end".to_owned(),
        (StopReason::Deadline, _) => "out of time".to_owned(),
        (StopReason::NothingDue, _) => "nothing due".to_owned(),
        (StopReason::Blocked, reason) => format!("stopped: {}", reason.as_deref().unwrap_or("refused")),
    };
    let mut line = format!(
        "discover   {what}: {} pages, {} players, {stopped}",
        grouped(summary.pages.into()),
        grouped(summary.players)
    );
    if let Some(reports) = summary.reports {
        line += &format!(", {} reports listed", grouped(reports));
    }
    if !summary.skipped_pages.is_empty() {
        let pages: Vec<_> = summary.skipped_pages.iter().map(u32::to_string).collect();
        line += &format!(", skipped: page {}", pages.join(", "));
    } else if summary.skipped > 0 {
        line += &format!(", {} skipped", grouped(summary.skipped));
    }
    line
}

fn aggregate_line(summary: &AggregateSummary) -> String {
    let mut line = format!("aggregate  {} players queued", grouped(summary.sent - summary.reports));
    for (count, what) in
        [(summary.reports, "reports queued"), (summary.fresh, "ranked lately"), (summary.skipped, "documents skipped")]
    {
        if count > 0 {
            line += &format!(", {} {what}", grouped(count));
        }
    }
    if summary.failed > 0 {
        line += &format!(", {} failed", grouped(summary.failed));
    }
    for rule in &summary.without {
        line += &format!(", without rule {} ({})", rule.rule, rule.reason);
    }
    if summary.stopped == aggregate::StopReason::QueueFull {
        line += &match summary.left {
            0 => ", more reports are due than the queue takes now".to_owned(),
            left => format!(", {} wait until the queue has room", grouped(left)),
        };
    }
    if summary.stopped == aggregate::StopReason::NotFresh {
        line += &format!(", {} wait ({})", grouped(summary.left), summary.reason.as_deref().unwrap_or("not fresh"));
    }
    line
}

/// `5 players`, `32 reports`, or both.
fn ranked(totals: &RankTotals) -> String {
    let players = totals.done.saturating_sub(totals.reports);
    match (players, totals.reports) {
        (players, 0) => format!("{} players", grouped(players)),
        (0, reports) => format!("{} reports", grouped(reports)),
        (players, reports) => format!("{} players, {} reports", grouped(players), grouped(reports)),
    }
}

fn rank_line(totals: &RankTotals) -> String {
    let mut line = format!("rank       {}", ranked(totals));
    if totals.reports > 0 {
        line += &format!(", which told of {} players", grouped(totals.players_of_reports));
    }
    for (count, what) in [
        (totals.hidden, "hidden"),
        (totals.finished, "without a character or class"),
        (totals.dead_lettered, "dead-lettered (see: parsebook status)"),
        (totals.pauses.into(), "pauses for points"),
    ] {
        if count > 0 {
            line += &format!(", {} {what}", grouped(count));
        }
    }
    for (key, points) in &totals.points {
        line += &format!(", {points:.0} points of {key}");
    }
    line
}

fn generate_lines(common: &Common, summary: &GenerateSummary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .regions
        .iter()
        .map(|region| {
            let each = region.bytes as f64 / region.characters.max(1) as f64;
            let skipped: u64 = region.set_aside.values().sum();
            let skipped = if skipped > 0 { format!(", {} skipped", grouped(skipped)) } else { String::new() };
            format!(
                "publish    {}: {} characters on {} realms, {} bytes ({each:.1} each){skipped}",
                region.region,
                grouped(region.characters),
                grouped(region.realms),
                grouped(region.bytes)
            )
        })
        .collect();
    let out = common.out.display();
    lines.push(match (&summary.commit, summary.stopped) {
        (Some(commit), _) => format!("publish    commit {} in {out}", &commit[..commit.len().min(10)]),
        (None, generate::StopReason::DryRun) => "publish    dry run".to_owned(),
        (None, _) => format!("publish    nothing changed in {out}"),
    });
    lines
}
