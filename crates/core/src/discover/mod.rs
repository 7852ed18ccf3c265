//! discover: works the most overdue rules (or a backfill's range) and merges what it finds into `discovers`.
//!
//! What was found is stored page by page, and so is how far the run came: a run that is cut short resumes where it
//! stopped. `work` reads one target: `board` ranking pages, `reports` lists of reports; `verdict` decides what to remember of it.

mod board;
pub mod pages;
mod reports;
mod run;
mod summary;
mod verdict;
mod work;

use std::collections::BTreeSet;

use anyhow::Context;
use chrono::TimeDelta;

pub use self::run::{DiscoverConfig, DiscoverPorts, DiscoverStore, Invocation};
use self::run::{Run, begun_reading, claim};
pub use self::summary::{DiscoverSummary, Error, RuleSummary, StopReason};
use crate::Timestamp;
use crate::ports::{Clock, RankingSite, ReportLists, Result, Zones, is_store_away};
use crate::rule::{Block, Due, Refusals, Rule, Target, schedule};

/// How long before the deadline no further page is begun: a slow page and its write must still fit. Of a short time, a
/// quarter.
const DEADLINE_MARGIN: TimeDelta = TimeDelta::seconds(40);

/// Works exactly `backfill`, or the rules that are due, most overdue first and each at most once, while time is left.
///
/// # Errors
/// When a backfill fails or the rules cannot be read; why single rules failed is in the summary.
pub async fn discover<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock>(
    ports: &DiscoverPorts<'_, S, A, W, C>,
    config: &DiscoverConfig,
    backfill: Option<Target>,
    invocation: &Invocation,
) -> Result<DiscoverSummary> {
    let begun = ports.clock.now();
    let last_start = invocation.deadline.map(|deadline| deadline - DEADLINE_MARGIN.min((deadline - begun) / 4));
    let call = Call { ports, config, invocation, last_start };
    if let Some(target) = backfill {
        return Ok(DiscoverSummary { rules: call.backfill(target.checked()?).await?, failures: Vec::new() });
    }
    let mut summary = DiscoverSummary::default();
    let mut worked = BTreeSet::new();
    loop {
        let now = ports.clock.now();
        let (rules, kept) = call.rules().await?;
        let is_open = |rule: &Rule| {
            !worked.contains(&rule.id) && invocation.only.as_ref().is_none_or(|only| only.contains(&rule.id))
        };
        let candidates = match schedule::due(&rules, now, config.delay, is_open) {
            Due::Rules(candidates) => candidates,
            // What others said of their sources before is of interest only if nothing else is.
            _ if !worked.is_empty() => return Ok(summary),
            why => {
                summary.rules.push(RuleSummary::idle(&why));
                return Ok(summary);
            }
        };
        let Some(leader) = call.claim_first(&candidates).await? else {
            if worked.is_empty() {
                summary.rules.push(RuleSummary::idle(&Due::Nothing));
            }
            return Ok(summary);
        };
        let siblings = call.claim_siblings(&leader, &rules, is_open, now).await?;
        worked.extend(siblings.iter().chain([&leader]).map(|rule| rule.id.clone()));
        let target = leader.target.clone();
        let described = format!("rule {} (raid {}, difficulty {})", leader.id, target.raid, target.difficulty);
        match call.run(&rules, &kept, Some(leader), siblings).work(target).await {
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

/// One call of [`discover`].
struct Call<'a, S, A, W, C> {
    ports: &'a DiscoverPorts<'a, S, A, W, C>,
    config: &'a DiscoverConfig,
    invocation: &'a Invocation,
    /// Nothing is begun after this.
    last_start: Option<Timestamp>,
}

impl<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock> Call<'_, S, A, W, C> {
    /// The rules that can be read, and what was refused while no rule could keep it.
    async fn rules(&self) -> Result<(Vec<Rule>, Refusals)> {
        let kept = self.ports.store.refusals().await.context("reading what refused before")?;
        let (rules, malformed) = self.ports.store.rules().await.context("reading discovery_schedules")?;
        for rule in &malformed {
            tracing::error!(document = %rule.document, reason = %rule.reason, "rule skipped");
        }
        Ok((schedule::with_refusals(rules, &kept), kept))
    }

    fn run<'b>(
        &'b self,
        rules: &'b [Rule],
        kept: &'b Refusals,
        leader: Option<Rule>,
        siblings: Vec<Rule>,
    ) -> Run<'b, S, A, W, C> {
        let Self { ports, config, invocation, last_start } = *self;
        Run { ports, config, invocation, last_start, rules, kept, leader, siblings }
    }

    /// Works a target without a rule, unless its source refuses.
    async fn backfill(&self, target: Target) -> Result<Vec<RuleSummary>> {
        let now = self.ports.clock.now();
        let (rules, kept) = self.rules().await?;
        let lasting = |block: &&Block| schedule::lasts(block.until, now);
        let kept_block = schedule::kept_block(&rules, &kept, target.source).filter(lasting);
        match schedule::active_block(&rules, target.source, now).or(kept_block) {
            Some(block) => Ok(vec![RuleSummary::new(None, Some(target), StopReason::Blocked).blocked_by(block)]),
            None => self.run(&rules, &kept, None, Vec::new()).work(target).await,
        }
    }

    async fn claim_first(&self, candidates: &[&Rule]) -> Result<Option<Rule>> {
        for candidate in candidates {
            if let Some(claimed) = claim(self.ports, self.invocation, candidate).await? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    /// Claims the rules that the leader's reading serves, too.
    async fn claim_siblings(
        &self,
        leader: &Rule,
        rules: &[Rule],
        is_open: impl Fn(&Rule) -> bool,
        now: Timestamp,
    ) -> Result<Vec<Rule>> {
        let is_sibling = |rule: &&Rule| {
            let may_be_worked = rule.enabled && rule.id != leader.id && is_open(rule) && !rule.state.waits(now);
            // A reading that began without the rule, or gave it all that it asks for, has nothing more for it.
            let is_served =
                begun_reading(leader).is_none_or(|reading| reading.shares.iter().any(|share| share.serves(rule)));
            may_be_worked && rule.shares_reading_with(leader) && is_served
        };
        let mut siblings = Vec::new();
        for sibling in rules.iter().filter(is_sibling) {
            siblings.extend(claim(self.ports, self.invocation, sibling).await?);
        }
        Ok(siblings)
    }
}

#[cfg(test)]
mod tests;
