//! One key and more players than it can pay for in a week, for four weeks on a clock where hours take no time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Clock, MessageQueue};
use parsebook_core::rule::{SourceKind, Target};
use parsebook_simulator::{Config, Simulator, World};

use crate::season::{machine, step_of};
use crate::step_clock::{STEP, StepClock};
use crate::{boards, figure};

const POINTS: u32 = 3_600;
const WEEKS: i64 = 4;

pub async fn measure(players: usize) -> anyhow::Result<()> {
    let starts_at = DateTime::from_timestamp(1_788_285_600, 0).unwrap_or_default();
    let clock = StepClock::starting_at(starts_at);
    let mut config = Config::new(World::generate(players, 1));
    let shared = clock.clone();
    config.clock = Arc::new(move || shared.now());
    config.points_per_hour = Some(POINTS);
    let simulator = Simulator::start(config).await?;
    let world = simulator.world().clone();
    let folder = tempfile::tempdir()?;
    let machine = machine(folder.path(), &simulator.url(), &clock, "80000")?;
    for (raid, difficulty) in boards(&world) {
        machine.store().add_rule(&Target::new(raid, difficulty, SourceKind::Site))?;
    }
    let rankable =
        world.players().filter(|player| player.is_rankable() && player.ranks().next().is_some()).count() as u64;
    let never = world.players().filter(|player| !player.is_rankable()).count() as u64;
    // When how many messages had been sent.
    let mut sent: VecDeque<(Timestamp, u64)> = VecDeque::new();
    let sent_in_all = Cell::new(0);
    let (mut longest_wait, mut all_ranked_at, mut twice_before) = (TimeDelta::zero(), None, 0);
    for step in 0..usize::try_from(WEEKS * 7 * 48)? {
        let from = starts_at + STEP * i32::try_from(step)?;
        let before = sent_in_all.get();
        clock.work(from, step_of(&machine, step, &sent_in_all)).await?;
        let (sent_now, waiting) = (sent_in_all.get(), machine.store().length().await?);
        if sent_now > before {
            sent.push_back((from, sent_now));
        }
        let done = sent_now - waiting;
        while sent.front().is_some_and(|(_, sent)| *sent <= done) {
            sent.pop_front();
        }
        longest_wait = longest_wait.max(sent.front().map_or_else(TimeDelta::zero, |(at, _)| clock.now() - *at));
        let ranked = machine.store().player_count()?;
        if all_ranked_at.is_none() {
            twice_before = twice_before.max(done.saturating_sub(ranked + never));
            if ranked >= rankable {
                all_ranked_at = Some(clock.now());
            }
        }
    }
    let on = format!("{players} players, one key of {POINTS} points an hour, {WEEKS} weeks");
    let days = |at: Option<Timestamp>| {
        at.map_or("never".to_owned(), |at| format!("{:.1} days", (at - starts_at).num_minutes() as f64 / 1440.0))
    };
    figure("everybody ranked after", &days(all_ranked_at), &on, "");
    figure("ranked twice before that", &twice_before.to_string(), &on, "nobody; who waits is counted with who hides");
    figure(
        "longest wait in the queue",
        &format!("{:.1} days", longest_wait.num_minutes() as f64 / 1440.0),
        &on,
        "below 14 days",
    );
    let windows = simulator.stats().points_windows;
    let full: Vec<f64> =
        windows[..windows.len().saturating_sub(1)].iter().map(|hour| hour.spent / f64::from(POINTS)).collect();
    let least = full.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = full.iter().sum::<f64>() / full.len().max(1) as f64;
    ensure!(!full.is_empty(), "no hour was used");
    figure("points used in the poorest hour", &format!("{:.1} %", 100.0 * least), &on, "at least 95 %");
    figure("points used on average", &format!("{:.1} %", 100.0 * mean), &format!("{} hours", full.len()), "");
    simulator.shutdown().await;
    Ok(())
}
