//! What one run works with: the ports, the settings, its rules and their leases.

use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::TimeDelta;

use super::pages::PagesConfig;
use crate::Timestamp;
use crate::ports::{
    ApiError, Clock, Discoveries, Players, Raids, RankingSite, ReportBacklog, ReportLists, Result, Rules, SeenReports,
    SourceError, Zone, Zones,
};
use crate::rule::{Block, Lease, Progress, Refusals, Rule, RuleId, RuleState, SourceKind};

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

/// How long a lease without a deadline lasts; each stored page renews it.
const LEASE: TimeDelta = TimeDelta::minutes(10);

/// Claims the rule; `None` where another invocation has it.
pub(super) async fn claim<S: Rules, A, W, C: Clock>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    invocation: &Invocation,
    rule: &Rule,
) -> Result<Option<Rule>> {
    let now = ports.clock.now();
    ports.store.claim(rule, &lease(now, invocation), now).await.context("claiming a rule")
}

/// The lease that is taken or renewed now.
pub(super) fn lease(now: Timestamp, invocation: &Invocation) -> Lease {
    let expires_at = match (invocation.renew_every, invocation.deadline) {
        (Some(every), _) => now + every * 4,
        (None, Some(deadline)) => deadline + TimeDelta::minutes(1),
        (None, None) => now + LEASE,
    };
    Lease { owner: invocation.owner.clone(), expires_at }
}

/// The unfinished run that the rule goes on with.
pub(super) fn begun_reading(rule: &Rule) -> Option<&Progress> {
    let is_own = |progress: &&Progress| {
        let is_shared = progress.shares.iter().any(|share| share.serves(rule));
        progress.is_of(&rule.target) && (rule.target.source == SourceKind::Site || is_shared)
    };
    rule.state.progress.as_ref().filter(is_own)
}

/// Why a run ends whose rule is no longer its own.
pub(super) fn lost(rule: &Rule) -> anyhow::Error {
    anyhow!("rule {} was removed, or another invocation took it over", rule.id)
}

/// One run over one target.
pub(super) struct Run<'a, S, A, W, C> {
    pub(super) ports: &'a DiscoverPorts<'a, S, A, W, C>,
    pub(super) config: &'a DiscoverConfig,
    pub(super) invocation: &'a Invocation,
    pub(super) last_start: Option<Timestamp>,
    pub(super) rules: &'a [Rule],
    pub(super) kept: &'a Refusals,
    /// The rule; none for a backfill.
    pub(super) leader: Option<Rule>,
    /// Rules that the same reading of reports serves.
    pub(super) siblings: Vec<Rule>,
}

impl<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock> Run<'_, S, A, W, C> {
    /// Keeps a short lease from running out, from the first moment on; ends when it was lost. A store that is away is
    /// noticed where progress is saved.
    pub(super) async fn keep_lease(&self) -> anyhow::Error {
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
    pub(super) async fn zone(&self, raid: crate::RaidId) -> std::result::Result<Zone, SourceError> {
        let zone = self.ports.api.zone(raid).await.map_err(|error| match error {
            ApiError::Failed(error) => SourceError::Failed(error.context(format!("asking the API for raid {raid}"))),
            other => other.into(),
        })?;
        let zone = zone.ok_or_else(|| anyhow!("WCL has no raid {raid}"))?;
        self.ports.store.save_raid(&zone.raid).await?;
        Ok(zone)
    }

    pub(super) async fn save_progress(&self, progress: &Progress) -> Result<()> {
        let Some(rule) = &self.leader else { return Ok(()) };
        let lease = Some(lease(self.ports.clock.now(), self.invocation));
        let state = RuleState { lease, progress: Some(progress.clone()), ..rule.state.clone() };
        if self.save_state(rule, state).await? { Ok(()) } else { Err(lost(rule)) }
    }

    pub(super) async fn save_state(&self, rule: &Rule, state: RuleState) -> Result<bool> {
        let saved = self.ports.store.save_state(&rule.id, &self.invocation.owner, &state).await;
        saved.with_context(|| format!("saving the state of rule {}", rule.id))
    }

    pub(super) async fn finish(&self, rule: &Rule, now: Timestamp, state: &RuleState) -> Result<bool> {
        let finished = self.ports.store.finish(&rule.id, &self.invocation.owner, now, state).await;
        finished.with_context(|| format!("finishing rule {}", rule.id))
    }

    /// A backfill was refused: the pause holds for the source's rules, and is kept with the first that is free; by itself
    /// where none is.
    pub(super) async fn remember_for_source(&self, source: SourceKind, block: Block) -> Result<()> {
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
