//! discover: works the most overdue rules (or a backfill's range) and merges what it finds into `discovers`.
//!
//! What was found is stored page by page, and so is how far the run came: a run that is cut short resumes where it
//! stopped. `board` reads ranking pages, `reports` lists of reports; `verdict` decides what to remember of a run.

mod board;
pub mod pages;
mod reports;
mod summary;
mod verdict;

use std::collections::BTreeSet;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use futures::future::{Either, select};

use self::pages::{Ended, PagesConfig, Stopped};
use self::summary::tell_listed;
pub use self::summary::{DiscoverSummary, Error, RuleSummary, StopReason};
use self::verdict::{Verdict, verdict};
use crate::Timestamp;
use crate::ports::{
    ApiError, Clock, Discoveries, Players, Raids, RankingSite, ReportBacklog, ReportLists, Result, Rules, SeenReports,
    SourceError, Zone, Zones, is_store_away,
};
use crate::rule::{
    Block, Due, Lease, Progress, Refusals, Rule, RuleId, RuleState, Share, SourceKind, Target, schedule,
};

/// Settings of discover.
#[derive(Debug, Clone)]
pub struct DiscoverConfig {
    /// `DELAY_DISCOVERY_IN_HOURS`: a rule is due again after this.
    pub delay: Duration,
    /// How pages are cut up and how fast they are asked for.
    pub pages: PagesConfig,
    /// `REPORTS_LOOKBACK_HOURS`: reports are looked for this far before the last run, because logs are uploaded late.
    pub lookback: Duration,
    /// `REPORT_DELAY_HOURS`: a report's ranks are read this long after its end.
    pub report_delay: Duration,
    /// `REGIONS`: reports of other regions are left out; all count where this is empty.
    pub regions: BTreeSet<String>,
}

/// The four things discover works with.
#[derive(Debug)]
pub struct DiscoverPorts<'a, S, A, W, C> {
    /// Rules, `discovers`, `players`, `reports` and `raids`.
    pub store: &'a S,
    /// Zones and reports.
    pub api: &'a A,
    /// The ranking pages.
    pub site: &'a W,
    /// Time.
    pub clock: &'a C,
}

/// Everything that discover keeps.
pub trait DiscoverStore: Rules + Discoveries + Players + Raids + SeenReports + ReportBacklog {}
impl<S: Rules + Discoveries + Players + Raids + SeenReports + ReportBacklog> DiscoverStore for S {}

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// A name for the lease; different for every invocation.
    pub owner: String,
    /// When the invocation must have ended; none on one machine.
    pub deadline: Option<Timestamp>,
    /// Heartbeat interval. The lease expires after four missed heartbeats, so a crashed run's rule is free again within
    /// four times this. None: no heartbeat; the lease lasts until the deadline (the program on one machine holds a file
    /// lock instead).
    pub renew_every: Option<Duration>,
    /// Only these rules are worked; any if absent.
    pub only: Option<BTreeSet<RuleId>>,
}

/// How long before the deadline no further page is begun: a slow page and its write must still fit. Of a short time, a
/// quarter.
const DEADLINE_MARGIN: TimeDelta = TimeDelta::seconds(40);
/// How long a lease without a deadline lasts; each stored page renews it.
const LEASE: TimeDelta = TimeDelta::minutes(10);

/// Works exactly `backfill`, or the rules that are due, most overdue first and each at most once, while time is left.
///
/// # Errors
/// When a backfill fails or the rules cannot be read; what single rules fail of is in the summary.
pub async fn discover<S, A, W, C>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    config: &DiscoverConfig,
    backfill: Option<Target>,
    invocation: &Invocation,
) -> Result<DiscoverSummary>
where
    S: DiscoverStore,
    A: Zones + ReportLists,
    W: RankingSite,
    C: Clock,
{
    let begun = ports.clock.now();
    let last_start = invocation.deadline.map(|deadline| deadline - DEADLINE_MARGIN.min((deadline - begun) / 4));
    let mut summary = DiscoverSummary::default();
    let mut worked = BTreeSet::new();
    loop {
        let now = ports.clock.now();
        let kept = ports.store.refusals().await.context("reading what refused before")?;
        let rules = schedule::with_refusals(readable_rules(ports.store).await?, &kept);
        let run = |leader, siblings| Run {
            ports,
            config,
            invocation,
            last_start,
            rules: &rules,
            kept: &kept,
            leader,
            siblings,
        };
        if let Some(target) = backfill {
            let target = target.checked()?;
            let idle = RuleSummary::new(None, Some(target.clone()), StopReason::Blocked);
            let kept =
                schedule::kept_block(&rules, &kept, target.source).filter(|block| schedule::lasts(block.until, now));
            summary.rules = match schedule::active_block(&rules, target.source, now).or(kept) {
                Some(block) => vec![idle.blocked_by(block)],
                None => run(None, Vec::new()).work(target).await?,
            };
            return Ok(summary);
        }
        let is_open = |rule: &Rule| {
            !worked.contains(&rule.id) && invocation.only.as_ref().is_none_or(|only| only.contains(&rule.id))
        };
        let idle = |stopped| RuleSummary::new(None, None, stopped);
        let candidates = match schedule::due(&rules, now, config.delay, is_open) {
            Due::Rules(candidates) => candidates,
            // What others said of their sources before is of interest only if nothing else is.
            _ if !worked.is_empty() => return Ok(summary),
            Due::Nothing => {
                summary.rules.push(idle(StopReason::NothingDue));
                return Ok(summary);
            }
            Due::NoPoints(wait) => {
                summary.rules.push(idle(StopReason::Blocked).without_points(wait));
                return Ok(summary);
            }
            Due::Blocked(block) => {
                summary.rules.push(idle(StopReason::Blocked).blocked_by(block));
                return Ok(summary);
            }
        };
        let Some(leader) = claim_first(ports, invocation, &candidates).await? else {
            if worked.is_empty() {
                summary.rules.push(idle(StopReason::NothingDue));
            }
            return Ok(summary);
        };
        let is_sibling = |rule: &&Rule| {
            let may_be_worked = rule.enabled && rule.id != leader.id && is_open(rule) && !rule.state.waits(now);
            // A reading that began without the rule, or gave it all that it asks for, has nothing more for it.
            let is_served =
                begun_reading(&leader).is_none_or(|reading| reading.shares.iter().any(|share| share.serves(rule)));
            may_be_worked && rule.shares_reading_with(&leader) && is_served
        };
        let may_share: Vec<&Rule> = rules.iter().filter(is_sibling).collect();
        worked.insert(leader.id.clone());
        let mut siblings = Vec::new();
        for sibling in may_share {
            if let Some(sibling) = claim(ports, invocation, sibling).await? {
                worked.insert(sibling.id.clone());
                siblings.push(sibling);
            }
        }
        let target = leader.target.clone();
        let described = format!("rule {} (raid {}, difficulty {})", leader.id, target.raid, target.difficulty);
        match run(Some(leader), siblings).work(target).await {
            Ok(rules) => summary.rules.extend(rules),
            Err(cause) => {
                let is_away = is_store_away(&cause);
                summary.failures.push(Error { target: described, cause });
                if is_away {
                    return Ok(summary);
                }
            }
        }
        if last_start.is_some_and(|last_start| ports.clock.now() >= last_start) {
            return Ok(summary);
        }
    }
}

async fn readable_rules<S: Rules>(store: &S) -> Result<Vec<Rule>> {
    let (rules, malformed) = store.rules().await.context("reading discovery_schedules")?;
    for rule in &malformed {
        tracing::error!(document = %rule.document, reason = %rule.reason, "rule skipped");
    }
    Ok(rules)
}

async fn claim_first<S: Rules, A, W, C: Clock>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    invocation: &Invocation,
    candidates: &[&Rule],
) -> Result<Option<Rule>> {
    for candidate in candidates {
        if let Some(claimed) = claim(ports, invocation, candidate).await? {
            return Ok(Some(claimed));
        }
    }
    Ok(None)
}

async fn claim<S: Rules, A, W, C: Clock>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    invocation: &Invocation,
    rule: &Rule,
) -> Result<Option<Rule>> {
    let now = ports.clock.now();
    ports.store.claim(rule, &lease(now, invocation), now).await.context("claiming a rule")
}

fn lease(now: Timestamp, invocation: &Invocation) -> Lease {
    let expires_at = match (invocation.renew_every, invocation.deadline) {
        (Some(every), _) => now + every * 4,
        (None, Some(deadline)) => deadline + TimeDelta::minutes(1),
        (None, None) => now + LEASE,
    };
    Lease { owner: invocation.owner.clone(), expires_at }
}

/// The unfinished run that the rule goes on with.
fn begun_reading(rule: &Rule) -> Option<&Progress> {
    let is_own = |progress: &&Progress| {
        let is_shared = progress.shares.iter().any(|share| share.serves(rule));
        progress.is_of(&rule.target) && (rule.target.source == SourceKind::Site || is_shared)
    };
    rule.state.progress.as_ref().filter(is_own)
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
    last_start: Option<Timestamp>,
    rules: &'a [Rule],
    kept: &'a Refusals,
    /// The rule; none for a backfill.
    leader: Option<Rule>,
    /// Rules that the same reading of reports serves.
    siblings: Vec<Rule>,
}

impl<S, A, W, C> Run<'_, S, A, W, C>
where
    S: DiscoverStore,
    A: Zones + ReportLists,
    W: RankingSite,
    C: Clock,
{
    async fn work(self, target: Target) -> Result<Vec<RuleSummary>> {
        let saved = self.leader.as_ref().and_then(begun_reading).cloned();
        let mut progress = saved.unwrap_or_else(|| self.fresh_progress(&target));
        // Nothing more is read for a rule that was paused, edited or removed since.
        let is_worked = |share: &Share| self.leader.iter().chain(&self.siblings).any(|rule| share.serves(rule));
        progress.shares.retain(|share| share.rule.is_none() || is_worked(share));
        let before = (progress.pages, progress.players, progress.skipped);
        let mut counts = reports::Counts::default();
        let reading = async {
            match target.source {
                SourceKind::Site => self.read_board(&target, &mut progress).await,
                SourceKind::Reports => self.read_reports(&target, &mut progress, &mut counts).await,
            }
        };
        let ended = match select(pin!(self.keep_lease()), pin!(reading)).await {
            Either::Left((lost, _)) => Stopped::Store(lost).into(),
            Either::Right((ended, _)) => ended,
        };
        self.conclude(target, progress, before, counts, ended).await
    }

    fn fresh_progress(&self, target: &Target) -> Progress {
        let fresh = Progress::of(target.clone(), self.ports.clock.now());
        match target.source {
            SourceKind::Site => board::all_pages(fresh),
            SourceKind::Reports => {
                let (lookback, to) = (self.config.lookback, fresh.started_at);
                let of_rule = |rule: &Rule| reports::share(Some(rule), &rule.target, lookback, to);
                let shares: Vec<_> = match &self.leader {
                    Some(leader) => [leader].into_iter().chain(&self.siblings).map(of_rule).collect(),
                    None => vec![reports::share(None, target, lookback, to)],
                };
                reports::all_windows(fresh, shares)
            }
        }
    }

    /// Keeps a short lease from running out, from the first moment on; ends when it was lost. A store that is away is
    /// noticed where progress is saved.
    async fn keep_lease(&self) -> anyhow::Error {
        let (Some(leader), Some(every)) = (&self.leader, self.invocation.renew_every) else { return pending().await };
        loop {
            let lease = lease(self.ports.clock.now(), self.invocation);
            for rule in self.siblings.iter().chain([leader]) {
                match self.ports.store.renew(&rule.id, &lease).await {
                    Ok(true) => {}
                    Ok(false) if rule.id == leader.id => return lost(rule),
                    Ok(false) => tracing::warn!(rule = %rule.id, "a rule that shared this reading was taken over"),
                    Err(error) => {
                        tracing::warn!(rule = %rule.id, error = format!("{error:#}"), "the lease could not be renewed");
                    }
                }
            }
            self.ports.clock.sleep(every).await;
        }
    }

    /// Asks the API for the zone and keeps its reference data.
    async fn zone(&self, raid: crate::RaidId) -> std::result::Result<Zone, SourceError> {
        let zone = self.ports.api.zone(raid).await.map_err(|error| match error {
            ApiError::Failed(error) => SourceError::Failed(error.context(format!("asking the API for raid {raid}"))),
            other => other.into(),
        })?;
        let zone = zone.ok_or_else(|| anyhow!("WCL has no raid {raid}"))?;
        self.ports.store.save_raid(&zone.raid).await?;
        Ok(zone)
    }

    async fn save_progress(&self, progress: &Progress) -> Result<()> {
        let Some(rule) = &self.leader else { return Ok(()) };
        let lease = Some(lease(self.ports.clock.now(), self.invocation));
        let state = RuleState { lease, progress: Some(progress.clone()), ..rule.state.clone() };
        if self.save_state(rule, state).await? { Ok(()) } else { Err(lost(rule)) }
    }

    async fn save_state(&self, rule: &Rule, state: RuleState) -> Result<bool> {
        let saved = self.ports.store.save_state(&rule.id, &self.invocation.owner, &state).await;
        saved.with_context(|| format!("saving the state of rule {}", rule.id))
    }

    /// Carries out what the verdict says.
    async fn conclude(
        self,
        target: Target,
        mut progress: Progress,
        before: (u32, u64, u64),
        counts: reports::Counts,
        ended: Ended,
    ) -> Result<Vec<RuleSummary>> {
        let now = self.ports.clock.now();
        let finished = verdict::finished(&progress);
        for (page, error) in &ended.skipped {
            let (raid, difficulty) = (target.raid, target.difficulty);
            tracing::error!(raid, difficulty, page, error = format!("{error:#}"), "page skipped");
        }
        progress.fail(&ended.failed);
        let mut summary =
            RuleSummary::new(self.leader.as_ref().map(|rule| rule.id.clone()), None, StopReason::Complete);
        summary.pages = progress.pages - before.0;
        summary.players = progress.players - before.1;
        summary.skipped = progress.skipped - before.2 + ended.skipped.len() as u64;
        let source = target.source;
        summary.target = Some(target);
        let skipped = ended.skipped.first().map(|(page, error)| format!("page {page} skipped: {error:#}"));
        let shares: Vec<(Share, u64)> = progress.shares.iter().cloned().zip(counts.players).collect();
        let share_of = |rule: Option<&RuleId>| shares.iter().find(|(share, _)| share.rule.as_ref() == rule);
        match source {
            SourceKind::Site => summary.skipped_pages = ended.skipped.iter().map(|(page, _)| *page).collect(),
            SourceKind::Reports => summary.take_share(share_of(summary.rule.clone().as_ref()), skipped.as_deref()),
        }
        // Nothing more is read for a sibling that got all that it asks for, however the run goes on.
        let is_served = |sibling: &&Rule| {
            share_of(Some(&sibling.id)).is_some_and(|(share, _)| reports::is_served(share, &progress))
        };
        let served: Vec<&Rule> = self.siblings.iter().filter(is_served).collect();
        progress.shares.retain(|share| !served.iter().any(|rule| share.rule.as_ref() == Some(&rule.id)));
        let leader_state = self.leader.as_ref().map(|rule| &rule.state);
        let kept = schedule::kept_block(self.rules, self.kept, source);
        let last_block = schedule::last_block(self.rules, source).or(kept);
        let Verdict { state, is_finished, summary, mut failure } =
            verdict(ended, progress, summary, leader_state, last_block, now, self.config.delay);
        // Nothing more is asked of a store that does not answer: the lease ends by itself.
        if let Some(failure) = failure.take_if(|failure| is_store_away(failure)) {
            return Err(failure);
        }
        if is_finished && self.kept.contains_key(&source) {
            self.ports.store.keep_refusal(source, None).await.context("forgetting a refusal")?;
        }
        let Some(leader) = &self.leader else {
            if let Some(block) = state.block {
                self.remember_for_source(source, block).await?;
            }
            let mut summaries = vec![summary];
            tell_listed(&mut summaries, counts.listed);
            return failure.map_or(Ok(summaries), Err);
        };
        let owner = &self.invocation.owner;
        let saved = if is_finished {
            self.ports.store.finish(&leader.id, owner, now, &state).await.context("finishing a rule")
        } else {
            self.save_state(leader, state.clone()).await
        };
        let mut summaries = vec![summary];
        for sibling in &self.siblings {
            // A sibling's progress and block are its leader's; what is finished, or has to wait, is its own, too.
            let is_served = served.iter().any(|rule| rule.id == sibling.id);
            if is_finished || is_served {
                self.ports.store.finish(&sibling.id, owner, now, &finished).await?;
            } else {
                let wait = state.wait.clone();
                self.save_state(sibling, RuleState { lease: None, wait, ..sibling.state.clone() }).await?;
            }
            let of_sibling =
                summaries[0].of_sibling(sibling, is_served, share_of(Some(&sibling.id)), skipped.as_deref());
            summaries.push(of_sibling);
        }
        tell_listed(&mut summaries, counts.listed);
        if is_finished && source == SourceKind::Reports {
            match self.forget_old_reports(now).await {
                Ok(given_up) => summaries[0].give_up(given_up),
                // What is not forgotten now is forgotten another time.
                Err(error) => tracing::warn!(error = format!("{error:#}"), "old reports are still remembered"),
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if saved? { Ok(summaries) } else { Err(lost(leader)) }
    }

    /// A backfill was refused: the pause holds for the source's rules, and is kept with the first that is free; by itself
    /// where none is.
    async fn remember_for_source(&self, source: SourceKind, block: Block) -> Result<()> {
        for rule in self.rules.iter().filter(|rule| rule.enabled && rule.target.source == source) {
            if let Some(claimed) = claim(self.ports, self.invocation, rule).await? {
                let state = RuleState { lease: None, block: Some(block), ..claimed.state.clone() };
                self.save_state(&claimed, state).await?;
                return Ok(());
            }
        }
        self.ports.store.keep_refusal(source, Some(&block)).await.context("writing down a refusal")
    }
}

#[cfg(test)]
mod tests;
