//! What one key keeps fresh: a season of reports on a clock where hours take no time.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta};
use parsebook_cli::local::Machine;
use parsebook_cli::settings::Settings;
use parsebook_core::Timestamp;
use parsebook_core::left_out::parts;
use parsebook_core::ports::{Clock, ReportBacklog};
use parsebook_core::report::Metric;
use parsebook_core::report_state::{ReportState, StoredReport};
use parsebook_core::rule::{RanksKind, SourceKind, Target};
use parsebook_simulator::{Config, Price, Reports, Season, Simulator, World};
use parsebook_test_support::oracle;

use crate::step_clock::{STEP, StepClock};
use crate::{boards, figure};

/// aggregator runs every so many steps: three hours, as deployed.
const AGGREGATE_EVERY: usize = 6;
/// A tenth of EU at a season's peak has so many kills and reports a day, and a tenth of a key so many points an hour.
const PEAK_KILLS: f64 = 4_400.0;
const PEAK_REPORTS: f64 = 930.0;
const POINTS: f64 = 360.0;
/// `QUEUE_LIMIT` of a tenth of a key.
const QUEUE_LIMIT: f64 = 8_000.0;
const DAY: TimeDelta = TimeDelta::days(1);
/// The weeks that are told apart, from 1.
const WEEKS: [i64; 5] = [1, 3, 6, 9, 12];

/// Kills that were due in a week, and those of them that were read within a day.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    due: usize,
    in_time: usize,
}

/// When each report was due, and when which ranks of it were read.
struct Watch<'r> {
    reports: &'r Reports,
    starts_at: Timestamp,
    wanted: BTreeSet<u8>,
    /// Reports that were not seen whole: when each was due.
    open: BTreeMap<String, Timestamp>,
    unlisted: BTreeSet<String>,
    read: BTreeSet<(String, Metric, u8)>,
    shares: BTreeMap<(Metric, u8, i64), Share>,
}

impl Watch<'_> {
    /// Looks at the store after a step.
    async fn look(&mut self, store: &impl ReportBacklog, now: Timestamp) -> anyhow::Result<()> {
        let unlisted: Vec<_> = self.unlisted.iter().cloned().collect();
        for (code, stored) in store.reports(&unlisted).await? {
            self.unlisted.remove(&code);
            // A log that was uploaded late is due when it is found.
            let due_at = stored.due_at.max(now);
            let Some(upload) = self.reports.upload(&code) else { continue };
            let week = (due_at - self.starts_at).num_days() / 7 + 1;
            for (&difficulty, &kills) in upload.kills.iter().filter(|(difficulty, _)| self.wanted.contains(difficulty))
            {
                for metric in Metric::ALL {
                    self.shares.entry((metric, difficulty, week)).or_default().due += kills;
                }
            }
            self.open.insert(code, due_at);
        }
        let due: Vec<_> =
            self.open.iter().filter(|(_, due_at)| **due_at <= now).map(|(code, _)| code.clone()).collect();
        for (code, stored) in store.reports(&due).await? {
            self.look_at(&code, &stored, now);
        }
        Ok(())
    }

    fn look_at(&mut self, code: &str, stored: &StoredReport, now: Timestamp) {
        let Some(&due_at) = self.open.get(code) else { return };
        let week = (due_at - self.starts_at).num_days() / 7 + 1;
        let kills = self.reports.upload(code).map(|upload| upload.kills).unwrap_or_default();
        // What would have to be asked yet.
        let missing = parts(&self.wanted, &stored.difficulties, stored.left_out, Default::default());
        for (&difficulty, &kills) in kills.iter().filter(|(difficulty, _)| self.wanted.contains(difficulty)) {
            for metric in Metric::ALL {
                let is_missing = |part: &parsebook_core::report::RankPart| {
                    part.metric == metric && part.difficulty.is_none_or(|of| of == difficulty)
                };
                if !missing.iter().any(is_missing)
                    && self.read.insert((code.to_owned(), metric, difficulty))
                    && now - due_at <= DAY
                {
                    self.shares.entry((metric, difficulty, week)).or_default().in_time += kills;
                }
            }
        }
        if matches!(stored.state, ReportState::Done | ReportState::Final | ReportState::Gone) || now - due_at > DAY {
            self.open.remove(code);
        }
    }
}

/// A season of the world in `file`, or of a made-up world, with as much of a key as it is of EU; less where the key is for
/// several `regions_like_it`.
pub async fn measure(file: Option<&Path>, players: usize, regions_like_it: f64, price: Price) -> anyhow::Result<()> {
    let world = match file {
        Some(file) => World::load(&[file])?.world,
        None => World::generate(players, 1),
    };
    let starts_at = DateTime::from_timestamp(1_788_285_600, 0).unwrap_or_default();
    let clock = StepClock::starting_at(starts_at);
    let season = Season::default();
    let weeks = season.length.as_secs() as i64 / (7 * 86_400);
    // How many kills its first days have, and with that what a tenth of a key is for it.
    let probe = Simulator::start(config(world, &clock, season.clone(), price, None)).await?;
    let world = probe.world().clone();
    let in_first_days = |upload: &parsebook_simulator::Upload| upload.ended_at < starts_at + TimeDelta::days(3);
    let uploads: Vec<_> = probe.reports().codes().filter_map(|code| probe.reports().upload(&code)).collect();
    let peak: usize =
        uploads.iter().filter(|upload| in_first_days(upload)).map(|u| u.kills.values().sum::<usize>()).sum();
    let peak_reports = uploads.iter().filter(|upload| in_first_days(upload)).count();
    probe.shutdown().await;
    let (peak, peak_reports) = (peak as f64 / 3.0, peak_reports as f64 / 3.0);
    // By what is paid for.
    let scale = if price == Price::Flat { peak_reports / PEAK_REPORTS } else { peak / PEAK_KILLS };
    let scale = scale / regions_like_it;
    let points = (POINTS * scale).round();
    ensure!(points >= 60.0, "a world of {} players has too few kills: {peak:.0} a day", world.len());

    let simulator = Simulator::start(config(world, &clock, season, price, Some(points as u32))).await?;
    let world = simulator.world().clone();
    let folder = tempfile::tempdir()?;
    let limit = ((QUEUE_LIMIT * scale) as u64).max(100).to_string();
    let machine = machine(folder.path(), &simulator.url(), &clock, &limit)?;
    add_rules(&machine, &world, RanksKind::Reports)?;
    let mut watch = Watch {
        reports: simulator.reports(),
        starts_at,
        wanted: boards(&world).into_iter().map(|(_, difficulty)| difficulty).collect(),
        open: BTreeMap::new(),
        unlisted: simulator.reports().codes().collect(),
        read: BTreeSet::new(),
        shares: BTreeMap::new(),
    };
    let steps = (weeks * 7 + 3) * DAY.num_minutes() / STEP.num_minutes();
    for step in 0..usize::try_from(steps)? {
        let from = starts_at + STEP * i32::try_from(step)?;
        clock.work(from, step_of(&machine, step, &Cell::default())).await?;
        watch.look(machine.store(), clock.now()).await?;
    }
    let on = format!(
        "{} players, {points:.0} points an hour, {peak:.0} kills and {peak_reports:.0} reports a day at the peak",
        world.len()
    );
    let name = if price == Price::Flat { "flat" } else { "per kill" };
    for metric in Metric::ALL {
        for &difficulty in watch.wanted.iter().rev() {
            let of = |week| watch.shares.get(&(metric, difficulty, week)).copied().unwrap_or_default();
            let percent = |share: Share| 100.0 * share.in_time as f64 / share.due.max(1) as f64;
            let shares: Vec<_> = WEEKS.iter().map(|&week| format!("{:5.1}", percent(of(week)))).collect();
            figure(
                &format!("{name}: {metric} in difficulty {difficulty}, % within a day"),
                &shares.join(" "),
                &on,
                "weeks 1 3 6 9 12",
            );
        }
    }
    let spent: f64 = simulator.stats().points_spent.iter().sum();
    figure(&format!("{name}: points of the season"), &format!("{spent:.0}"), &on, "");
    let now = clock.now();
    let lag = machine.store().report_lag(now).await?;
    figure(
        &format!("{name}: reports left in part"),
        &lag.left_out.values().sum::<u64>().to_string(),
        &on,
        &format!("of {}", lag.all),
    );
    simulator.shutdown().await;
    Ok(())
}

/// What a season costs where everybody is to be fresh every day and points are no matter: by reports, and by players.
pub async fn compare(file: Option<&Path>, players: usize) -> anyhow::Result<()> {
    let world = Arc::new(match file {
        Some(file) => World::load(&[file])?.world,
        None => World::generate(players, 1),
    });
    let by_players = daily(&world, Price::PerKill, RanksKind::Players).await?;
    for price in [Price::Flat, Price::PerKill] {
        let by_reports = daily(&world, price, RanksKind::Reports).await?;
        let name = if price == Price::Flat { "flat" } else { "per kill" };
        let on = format!("{} players, a season, every day", world.len());
        let Spent { points, least, first, reports, exact } = by_reports;
        figure(
            &format!("{name}: points by reports"),
            &format!("{points:.0}"),
            &on,
            &format!("{:.3} of the least {least:.0}, for {reports} reports; at most 1.05", points / least),
        );
        let rankable = world.players().filter(|player| player.is_rankable()).count();
        figure(&format!("{name}: players looked up exactly"), &exact.to_string(), &on, &format!("all {rankable}"));
        let bound = if price == Price::Flat { 18 } else { 5 };
        // Either way begins with a full reading of everybody in each raid and difficulty.
        let ratio = (by_players.points - by_players.first) / (points - first);
        figure(
            &format!("{name}: points by players"),
            &format!("{:.0}", by_players.points),
            &on,
            &format!(
                "{:.1} times those by reports; {ratio:.1} times without first full readings ({first:.0}); at least {bound}",
                by_players.points / points
            ),
        );
    }
    Ok(())
}

struct Spent {
    points: f64,
    /// Each report once, and each player once in each raid and difficulty.
    least: f64,
    /// Of the least, what the first full readings cost.
    first: f64,
    reports: usize,
    /// Players whose every rank is in the addon, by Lua; an error if one is not.
    exact: usize,
}

async fn daily(world: &Arc<World>, price: Price, ranks: RanksKind) -> anyhow::Result<Spent> {
    let starts_at = DateTime::from_timestamp(1_788_285_600, 0).unwrap_or_default();
    let clock = StepClock::starting_at(starts_at);
    let season = Season::default();
    let days = i32::try_from(season.length.as_secs() / 86_400)?;
    let simulator = Simulator::start(config(world.clone(), &clock, season, price, None)).await?;
    let folder = tempfile::tempdir()?;
    let machine = machine(folder.path(), &simulator.url(), &clock, "80000")?;
    add_rules(&machine, world, ranks)?;
    for day in 1..=days + 3 {
        let now = starts_at + DAY * day;
        clock.work(now, step_of(&machine, 0, &Cell::default())).await?;
        // What the reports of this day lead to.
        clock.work(now, step_of(&machine, 0, &Cell::default())).await?;
    }
    let uploads: Vec<_> = simulator.reports().codes().filter_map(|code| simulator.reports().upload(&code)).collect();
    let per_report = |kills: usize| match price {
        Price::Flat => 6.0,
        Price::PerKill => 2.0 + 4.0 * kills.max(1) as f64,
    };
    let of_reports: f64 = uploads.iter().map(|upload| per_report(upload.kills.values().sum())).sum();
    let stats = simulator.stats();
    let first = |player: &parsebook_simulator::Player<'_>| {
        let metrics = if Metric::can_heal(player.class_id()) { 2.0 } else { 1.0 };
        player.pairs().count() as f64 * (1.0 + 5.0 * metrics)
    };
    let of_players: f64 = world.players().filter(|player| player.is_rankable()).map(|player| first(&player)).sum();
    machine.generate(&parsebook_adapters::settings::REGIONS.map(str::to_owned)).await?;
    let spent = Spent {
        exact: oracle::verify(&folder.path().join("addon"), world)?,
        first: of_players,
        points: stats.points_spent.iter().sum(),
        least: of_reports + of_players,
        reports: uploads.len(),
    };
    simulator.shutdown().await;
    Ok(spent)
}

fn add_rules(machine: &Machine<StepClock>, world: &World, ranks: RanksKind) -> anyhow::Result<()> {
    for (raid, difficulty) in boards(world) {
        machine.store().add_rule(&Target { ranks, ..Target::new(raid, difficulty, SourceKind::Reports) })?;
    }
    Ok(())
}

/// What is done in a step; counts what is `sent`.
pub async fn step_of(machine: &Machine<StepClock>, step: usize, sent: &Cell<u64>) -> anyhow::Result<()> {
    let mut errors = Vec::new();
    machine.discover_due(&mut errors).await?;
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    if step.is_multiple_of(AGGREGATE_EVERY) {
        sent.set(sent.get() + machine.aggregate(false).await?.sent);
    }
    machine.rank_all().await?;
    Ok(())
}

fn config(
    world: impl Into<Arc<World>>,
    clock: &StepClock,
    season: Season,
    price: Price,
    points: Option<u32>,
) -> Config {
    let mut config = Config::new(world);
    let shared = clock.clone();
    config.clock = Arc::new(move || shared.now());
    config.season = Some(season);
    config.points_per_hour = points;
    config.behaviour.price = price;
    config
}

pub fn machine(folder: &Path, url: &str, clock: &StepClock, queue_limit: &str) -> anyhow::Result<Machine<StepClock>> {
    let (id, secret) = Config::DEFAULT_CLIENT;
    let keys = serde_json::json!([{"name": "bench", "clientId": id, "clientSecret": secret}]).to_string();
    let variables = [("WCL_API_KEYS", keys.as_str()), ("PAGES_PER_SECOND", "100000"), ("QUEUE_LIMIT", queue_limit)];
    let settings = Settings::read(&variables.into_iter().collect())?;
    Machine::open(&folder.join("data"), &folder.join("addon"), url, settings, clock.clone())
}
