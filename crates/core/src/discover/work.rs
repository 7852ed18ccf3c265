//! A run from its first page to its end: it reads, and carries out what the verdict says of it.

use std::collections::BTreeSet;
use std::pin::pin;

use anyhow::Context;
use futures::future::{Either, select};

use super::pages::{Ended, Stopped};
use super::run::{DiscoverStore, Run, begun_reading, lost};
use super::summary::{RuleSummary, StopReason, Taken, tell_listed};
use super::verdict::{self, Verdict, verdict};
use super::{board, reports};
use crate::ports::{Clock, RankingSite, ReportLists, Result, Zones, is_store_away};
use crate::rule::{Progress, Rule, RuleId, RuleState, Share, SourceKind, Target, schedule};

impl<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock> Run<'_, S, A, W, C> {
    pub(super) async fn work(self, target: Target) -> Result<Vec<RuleSummary>> {
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

    /// Carries out what the verdict says.
    async fn conclude(
        self,
        target: Target,
        mut progress: Progress,
        before: (u32, u64, u64),
        counts: reports::Counts,
        ended: Ended,
    ) -> Result<Vec<RuleSummary>> {
        let (now, source) = (self.ports.clock.now(), target.source);
        for (page, error) in &ended.skipped {
            let (raid, difficulty) = (target.raid, target.difficulty);
            tracing::error!(raid, difficulty, page, error = format!("{error:#}"), "page skipped");
        }
        progress.fail(&ended.failed);
        let taken = Taken::of(&progress, counts.players, &ended);
        let summary = self.summary(target, &progress, before, &ended, &taken);
        // Nothing more is read for a sibling that got all that it asks for, however the run goes on.
        let is_served = |sibling: &&Rule| {
            taken.by(Some(&sibling.id)).is_some_and(|(share, _)| reports::is_served(share, &progress))
        };
        let served: BTreeSet<RuleId> = self.siblings.iter().filter(is_served).map(|rule| rule.id.clone()).collect();
        progress.shares.retain(|share| share.rule.as_ref().is_none_or(|rule| !served.contains(rule)));
        let finished = verdict::finished(&progress);
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
        let mut summaries = vec![summary];
        let Some(leader) = &self.leader else {
            if let Some(block) = state.block {
                self.remember_for_source(source, block).await?;
            }
            tell_listed(&mut summaries, counts.listed);
            return failure.map_or(Ok(summaries), Err);
        };
        let saved = if is_finished {
            self.finish(leader, now, &state).await
        } else {
            self.save_state(leader, state.clone()).await
        };
        for sibling in &self.siblings {
            // A sibling's progress and block are its leader's; what is finished, or has to wait, is its own, too.
            let is_served = served.contains(&sibling.id);
            if is_finished || is_served {
                self.finish(sibling, now, &finished).await?;
            } else {
                let wait = state.wait.clone();
                self.save_state(sibling, RuleState { lease: None, wait, ..sibling.state.clone() }).await?;
            }
            summaries.push(summaries[0].of_sibling(sibling, is_served, &taken));
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

    /// What the leader, or a backfill, did.
    fn summary(
        &self,
        target: Target,
        progress: &Progress,
        (pages, players, skipped): (u32, u64, u64),
        ended: &Ended,
        taken: &Taken,
    ) -> RuleSummary {
        let rule = self.leader.as_ref().map(|rule| rule.id.clone());
        let source = target.source;
        let mut summary = RuleSummary::new(rule, Some(target), StopReason::Complete);
        summary.pages = progress.pages - pages;
        summary.players = progress.players - players;
        summary.skipped = progress.skipped - skipped + ended.skipped.len() as u64;
        match source {
            SourceKind::Site => summary.skipped_pages = ended.skipped.iter().map(|(page, _)| *page).collect(),
            SourceKind::Reports => summary.take_share(taken),
        }
        summary
    }
}
