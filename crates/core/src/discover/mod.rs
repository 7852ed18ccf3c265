//! discover: works the most overdue rule (or a backfill's range) and merges what it finds into `discovers`.
//!
//! What was found is stored page by page, and so is how far the run came: a run that is cut short resumes where it
//! stopped. [`pages`] reads the pages; this module decides what to read and what to remember.

pub mod pages;

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use futures::future::{Either, select};
use serde::Serialize;

use self::pages::{Ended, PageKind, PagesConfig, Stopped, ToRead, read_pages};
use crate::player::Raid;
use crate::ports::{
    ApiError, Board, Clock, Discoveries, Raids, RankingSite, Reports, ReportsWindow, Result, Rules, SourceError,
    SourcePage, Zones,
};
use crate::rule::{self, Block, Due, Lease, PageRange, Progress, Rule, RuleId, RuleState, SourceKind, Target, Wait};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{RaidId, Timestamp};

/// Settings of discover.
#[derive(Debug, Clone)]
pub struct DiscoverConfig {
    /// `DELAY_DISCOVERY_IN_HOURS`: a rule is due again after this.
    pub delay: Duration,
    /// How pages are cut up and how fast they are asked for.
    pub pages: PagesConfig,
}

/// The four things discover works with.
#[derive(Debug)]
pub struct DiscoverPorts<'a, S, A, W, C> {
    /// Rules, `discovers` and `raids`.
    pub store: &'a S,
    /// Zones and reports.
    pub api: &'a A,
    /// The ranking pages.
    pub site: &'a W,
    /// Time.
    pub clock: &'a C,
}

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// A name for the lease; different for every invocation.
    pub owner: String,
    /// When the invocation must have ended; none on one machine.
    pub deadline: Option<Timestamp>,
    /// How often the rule's lease is renewed. It lasts four times as long: so soon is the rule of a dead run free again.
    /// Without, it lasts until the deadline; on one machine another lock stands in for it.
    pub renew_every: Option<Duration>,
}

/// Why discover stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// Every page was read or set aside.
    Complete,
    /// The board ended before the last page.
    EndOfBoard,
    /// Time was up; the next run goes on.
    Deadline,
    /// The source refused, or has no points, or its pause is not over.
    Blocked,
    /// No rule is due.
    NothingDue,
}

/// What discover did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverSummary {
    /// The rule, unless it was a backfill or nothing was due.
    pub rule: Option<RuleId>,
    /// What was worked on.
    #[serde(flatten)]
    pub target: Option<Target>,
    /// Pages read by this invocation.
    pub pages: u32,
    /// Players on them, a player counting once per page.
    pub players: u64,
    /// Pages that stay broken. A finished rule leaves them to the day when it is due again, else they are asked for next time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<u32>,
    /// Why it stopped.
    pub stopped: StopReason,
    /// The refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the source is asked again after a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
    /// Whether the source refused, rather than having no points left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl DiscoverSummary {
    fn idle(stopped: StopReason) -> Self {
        Self {
            rule: None,
            target: None,
            pages: 0,
            players: 0,
            set_aside: Vec::new(),
            stopped,
            reason: None,
            blocked_until: None,
            refused: false,
        }
    }

    fn blocked_by(mut self, block: &Block) -> Self {
        self.stopped = StopReason::Blocked;
        self.reason = Some(block.reason.clone());
        self.blocked_until = Some(block.until);
        self.refused = true;
        self
    }

    fn without_points(mut self, wait: &Wait) -> Self {
        self.stopped = StopReason::Blocked;
        self.reason = Some(wait.reason.clone());
        self.blocked_until = Some(wait.until);
        self
    }
}

/// How long before the deadline no further page is begun: a slow page and its write must still fit. Of a short time, a
/// quarter.
const DEADLINE_MARGIN: TimeDelta = TimeDelta::seconds(40);
/// How long a lease without a deadline lasts; each stored page renews it.
const LEASE: TimeDelta = TimeDelta::minutes(10);

/// Works the most overdue rule, or exactly `backfill`.
///
/// # Errors
/// When the store fails, the source is broken (not: refuses), or the rule's lease was lost. What was read is stored.
pub async fn discover<S, A, W, C>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    config: &DiscoverConfig,
    backfill: Option<Target>,
    invocation: &Invocation,
) -> Result<DiscoverSummary>
where
    S: Rules + Discoveries + Raids,
    A: Zones + Reports,
    W: RankingSite,
    C: Clock,
{
    let now = ports.clock.now();
    let (rules, malformed) = ports.store.rules().await.context("reading discovery_schedules")?;
    for rule in &malformed {
        tracing::error!(document = %rule.document, reason = %rule.reason, "rule set aside");
    }
    if let Some(target) = backfill {
        let target = target.checked()?;
        if let Some(block) = rule::active_block(&rules, target.source, now) {
            let summary = DiscoverSummary { target: Some(target), ..DiscoverSummary::idle(StopReason::Blocked) };
            return Ok(summary.blocked_by(block));
        }
        let run = Run { ports, config, invocation, rules: &rules, claimed: None };
        return run.work(target).await;
    }
    let candidates = match rule::due(&rules, now, config.delay) {
        Due::Nothing => return Ok(DiscoverSummary::idle(StopReason::NothingDue)),
        Due::NoPoints(wait) => return Ok(DiscoverSummary::idle(StopReason::Blocked).without_points(wait)),
        Due::Blocked(block) => return Ok(DiscoverSummary::idle(StopReason::Blocked).blocked_by(block)),
        Due::Rules(candidates) => candidates,
    };
    for candidate in candidates {
        let expires_at = lease_end(ports.clock.now(), invocation);
        let lease = Lease { owner: invocation.owner.clone(), expires_at };
        let claimed = ports.store.claim(candidate, &lease, now).await.context("claiming a rule")?;
        if let Some(claimed) = claimed {
            let target = claimed.target.clone();
            let run = Run { ports, config, invocation, rules: &rules, claimed: Some(claimed) };
            return run.work(target).await;
        }
    }
    Ok(DiscoverSummary::idle(StopReason::NothingDue))
}

fn lease_end(now: Timestamp, invocation: &Invocation) -> Timestamp {
    match (invocation.renew_every, invocation.deadline) {
        (Some(every), _) => now + every * 4,
        (None, Some(deadline)) => deadline + TimeDelta::minutes(1),
        (None, None) => now + LEASE,
    }
}

/// Why a run ends whose rule is no longer its own.
fn lost(rule: &Rule) -> anyhow::Error {
    anyhow!("rule {} was removed, or another invocation took it over", rule.id)
}

/// One run over one target.
struct Run<'a, S, A, W, C> {
    ports: &'a DiscoverPorts<'a, S, A, W, C>,
    config: &'a DiscoverConfig,
    invocation: &'a Invocation,
    rules: &'a [Rule],
    claimed: Option<Rule>,
}

impl<S, A, W, C> Run<'_, S, A, W, C>
where
    S: Rules + Discoveries + Raids,
    A: Zones + Reports,
    W: RankingSite,
    C: Clock,
{
    async fn work(self, target: Target) -> Result<DiscoverSummary> {
        let mut progress = self.progress(&target);
        let before = (progress.pages, progress.players);
        let reading = async {
            match self.source(&target, progress.started_at).await {
                Ok(source) => self.read(&source, &target, &mut progress).await,
                Err(error) => Stopped::Source(error).into(),
            }
        };
        let ended = match select(pin!(self.keep_lease()), pin!(reading)).await {
            Either::Left((lost, _)) => Stopped::Store(lost).into(),
            Either::Right((ended, _)) => ended,
        };
        self.conclude(target, progress, before, ended).await
    }

    /// Keeps a short lease from running out, from the first moment on; ends when it was lost. A store that is away is
    /// noticed where progress is saved.
    async fn keep_lease(&self) -> anyhow::Error {
        let (Some(rule), Some(every)) = (&self.claimed, self.invocation.renew_every) else { return pending().await };
        loop {
            match self.ports.store.renew(&rule.id, &self.lease()).await {
                Ok(true) => {}
                Ok(false) => return lost(rule),
                Err(error) => {
                    tracing::warn!(rule = %rule.id, error = format!("{error:#}"), "the lease could not be renewed");
                }
            }
            self.ports.clock.sleep(every).await;
        }
    }

    fn lease(&self) -> Lease {
        let expires_at = lease_end(self.ports.clock.now(), self.invocation);
        Lease { owner: self.invocation.owner.clone(), expires_at }
    }

    /// The saved progress, if it is of this very target; else a fresh start.
    fn progress(&self, target: &Target) -> Progress {
        let saved = self.claimed.as_ref().and_then(|rule| rule.state.progress.clone());
        let whole = PageRange { next: target.start_page, end: target.end_page };
        saved.filter(|progress| progress.is_of(target)).unwrap_or_else(|| Progress {
            target: target.clone(),
            started_at: self.ports.clock.now(),
            remaining: vec![whole],
            failed: Vec::new(),
            pages: 0,
            filled: 0,
            players: 0,
        })
    }

    async fn source(&self, target: &Target, until: Timestamp) -> std::result::Result<Source<'_, A, W>, SourceError> {
        match target.source {
            SourceKind::Site => {
                let partition = match target.partition {
                    Some(partition) => partition,
                    None => self.zone(target.raid).await?.partition,
                };
                let board = Board { raid: target.raid, difficulty: target.difficulty, partition };
                Ok(Source::Site { site: self.ports.site, board })
            }
            SourceKind::Reports => {
                let raid = match self.ports.store.raid(target.raid).await? {
                    Some(raid) => raid,
                    None => self.zone(target.raid).await?.raid,
                };
                let since = self.claimed.as_ref().and_then(|rule| rule.state.reports_seen_until.or(rule.last_run));
                let window = ReportsWindow { raid: target.raid, since, until };
                Ok(Source::Reports { api: self.ports.api, window, raid, difficulty: target.difficulty })
            }
        }
    }

    /// Asks the API for the zone and keeps its reference data.
    async fn zone(&self, raid: RaidId) -> std::result::Result<crate::ports::Zone, SourceError> {
        let zone = self.ports.api.zone(raid).await.map_err(|error| match error {
            ApiError::Failed(error) => {
                SourceError::Failed(error.context(format!("asking the API for raid {raid}'s current partition")))
            }
            other => other.into(),
        })?;
        let zone = zone.ok_or_else(|| anyhow!("WCL has no raid {raid}"))?;
        self.ports.store.save_raid(&zone.raid).await?;
        Ok(zone)
    }

    async fn read(&self, source: &Source<'_, A, W>, target: &Target, progress: &mut Progress) -> Ended {
        let now = self.ports.clock.now();
        let last_start = self.invocation.deadline.map(|deadline| deadline - DEADLINE_MARGIN.min((deadline - now) / 4));
        let (unfailed, failed) = progress.left();
        let chunks = pages::cut(&unfailed, self.config.pages.pages_per_thread);
        let to_read = ToRead { kind: source.page_kind(), chunks, failed };
        let scrap = RaidsToScrap::one(target.raid, target.difficulty);
        let fetch = |page| source.page(page);
        let store = async |page: u32, mut found: Vec<crate::PlayerId>| {
            found.sort_unstable();
            found.dedup();
            let discovered: Vec<_> =
                found.into_iter().map(|id| Discovered { id, raids_to_scrap: scrap.clone() }).collect();
            self.ports.store.merge(&discovered).await.context("writing to discovers")?;
            progress.count(page, discovered.len() as u64);
            self.save_progress(progress).await
        };
        read_pages(&self.config.pages, self.ports.clock, last_start, to_read, fetch, store).await
    }

    async fn save_progress(&self, progress: &mut Progress) -> Result<()> {
        let Some(rule) = &self.claimed else { return Ok(()) };
        let state = RuleState { lease: Some(self.lease()), progress: Some(progress.clone()), ..rule.state.clone() };
        let held = self.ports.store.save_state(&rule.id, &self.invocation.owner, &state).await;
        if held.context("saving progress")? { Ok(()) } else { Err(lost(rule)) }
    }

    async fn conclude(
        self,
        target: Target,
        mut progress: Progress,
        before: (u32, u64),
        ended: Ended,
    ) -> Result<DiscoverSummary> {
        let now = self.ports.clock.now();
        let (pages, players) = (progress.pages - before.0, progress.players - before.1);
        let source = target.source;
        for (page, error) in &ended.set_aside {
            let (raid, difficulty) = (target.raid, target.difficulty);
            tracing::error!(raid, difficulty, page, error = format!("{error:#}"), "page set aside");
        }
        let mut summary = DiscoverSummary {
            rule: self.claimed.as_ref().map(|rule| rule.id.clone()),
            target: Some(target),
            pages,
            players,
            set_aside: ended.set_aside.iter().map(|(page, _)| *page).collect(),
            stopped: StopReason::Complete,
            reason: None,
            blocked_until: None,
            refused: false,
        };
        progress.fail(&ended.failed);
        let is_overdue = now - progress.started_at > rule::delta(self.config.delay);
        let mut block = None;
        let mut wait = None;
        let mut failure = None;
        match judged(ended, progress.filled, is_overdue) {
            Stopped::Complete => {}
            Stopped::EndOfBoard => summary.stopped = StopReason::EndOfBoard,
            Stopped::Deadline => summary.stopped = StopReason::Deadline,
            Stopped::Source(SourceError::Refused(reason)) => {
                let refused = Block::after(rule::last_block(self.rules, source), now, reason);
                summary = summary.blocked_by(&refused);
                block = Some(refused);
            }
            Stopped::Source(SourceError::NoPoints { resets_at }) => {
                let without_points = Wait::for_points(resets_at);
                summary = summary.without_points(&without_points);
                wait = Some(without_points);
            }
            Stopped::Source(SourceError::Failed(error)) | Stopped::Store(error) => {
                let before = self.claimed.as_ref().and_then(|rule| rule.state.wait.as_ref());
                wait = Some(Wait::after_failure(before, now, format!("{error:#}")));
                failure = Some(error);
            }
        }
        let Some(rule) = &self.claimed else {
            if let Some(block) = block {
                self.remember_for_source(source, block).await?;
            }
            return failure.map_or(Ok(summary), Err);
        };
        let is_finished = matches!(summary.stopped, StopReason::Complete | StopReason::EndOfBoard) && failure.is_none();
        let owner = &self.invocation.owner;
        let saved = if is_finished {
            let state = RuleState { reports_seen_until: Some(progress.started_at), ..RuleState::default() };
            self.ports.store.finish(&rule.id, owner, now, &state).await
        } else {
            let state = RuleState {
                lease: None,
                progress: Some(progress),
                block: block.or_else(|| rule.state.block.clone()),
                wait,
                reports_seen_until: rule.state.reports_seen_until,
            };
            self.ports.store.save_state(&rule.id, owner, &state).await
        };
        if let Some(failure) = failure {
            return Err(failure);
        }
        if saved.context("saving the rule's state")? { Ok(summary) } else { Err(lost(rule)) }
    }

    /// A backfill was refused: the pause holds for the source's rules, and is kept with the first that is free.
    async fn remember_for_source(&self, source: SourceKind, block: Block) -> Result<()> {
        let now = self.ports.clock.now();
        let lease = self.lease();
        for rule in self.rules.iter().filter(|rule| rule.enabled && rule.target.source == source) {
            if let Some(claimed) = self.ports.store.claim(rule, &lease, now).await.context("claiming a rule")? {
                let state = RuleState { lease: None, block: Some(block), ..claimed.state };
                self.ports.store.save_state(&rule.id, &lease.owner, &state).await.context("saving a refusal")?;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Why the run ended. With too many pages set aside, it is the source that is broken: the rule is not done, unless it has
/// been kept from that for so long that it is due again.
fn judged(ended: Ended, filled: u32, is_overdue: bool) -> Stopped {
    let (failed, filled) = (ended.set_aside.len(), filled as usize);
    let is_broken = filled == 0 || (!is_overdue && (failed >= filled || pages::are_too_many(failed, filled)));
    match (ended.stopped, ended.set_aside.into_iter().next()) {
        (Stopped::Complete | Stopped::EndOfBoard, Some((_, error))) if is_broken => {
            Stopped::Source(SourceError::Failed(error))
        }
        (stopped, _) => stopped,
    }
}

/// Where this run's pages come from.
enum Source<'a, A, W> {
    Site { site: &'a W, board: Board },
    Reports { api: &'a A, window: ReportsWindow, raid: Raid, difficulty: crate::Difficulty },
}

impl<A: Reports, W: RankingSite> Source<'_, A, W> {
    fn page_kind(&self) -> PageKind {
        match self {
            Self::Site { .. } => PageKind::Board,
            Self::Reports { .. } => PageKind::News,
        }
    }

    async fn page(&self, page: u32) -> std::result::Result<SourcePage, SourceError> {
        match self {
            Self::Site { site, board } => site.ranking_page(board, page).await,
            Self::Reports { api, window, raid, difficulty } => {
                let (reports, is_last) = api.reports_page(window, page).await?;
                // A report's zone tag is not always right: its kills say what it is about (LFRaider and others).
                let of_this_board = |kill: &(crate::EncounterId, crate::Difficulty)| {
                    kill.1 == *difficulty
                        && (raid.encounters.is_empty() || raid.encounters.iter().any(|boss| boss.id == kill.0))
                };
                let players = reports
                    .into_iter()
                    .filter(|report| report.kills.iter().any(of_this_board))
                    .flat_map(|report| report.players)
                    .collect();
                Ok(SourcePage { players, is_last })
            }
        }
    }
}
