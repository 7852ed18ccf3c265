//! What a run came to: what is remembered with its rule, and what is told. Pure.

use std::time::Duration;

use super::pages::{self, Ended, Stopped};
use super::summary::{RuleSummary, StopReason};
use crate::Timestamp;
use crate::ports::SourceError;
use crate::rule::{Block, Progress, RuleState, SourceKind, Wait, schedule};

/// What follows from how a run ended.
#[derive(Debug)]
pub struct Verdict {
    /// What is stored with the rule.
    pub state: RuleState,
    /// Whether the rule is done until it is due again.
    pub is_finished: bool,
    /// What is told.
    pub summary: RuleSummary,
    /// Why the run failed.
    pub failure: Option<anyhow::Error>,
}

/// What is remembered of a rule whose reading is done: where the next reading of reports begins to look back from.
pub fn finished(progress: &Progress) -> RuleState {
    let read_until = (progress.target.source == SourceKind::Reports).then_some(progress.started_at);
    RuleState { read_until, ..RuleState::default() }
}

/// Judges a run that read `progress` and is told as `summary`. `before` is what was stored with the rule when it was
/// claimed, `last_block` the source's newest refusal.
pub fn verdict(
    ended: Ended,
    progress: Progress,
    summary: RuleSummary,
    before: Option<&RuleState>,
    last_block: Option<&Block>,
    now: Timestamp,
    delay: Duration,
) -> Verdict {
    let is_overdue = now - progress.started_at > schedule::delta(delay);
    let unfinished = RuleState {
        lease: None,
        block: before.and_then(|state| state.block.clone()),
        wait: None,
        progress: Some(progress.clone()),
        read_until: before.and_then(|state| state.read_until),
    };
    let verdict = |state, summary, failure| Verdict { state, is_finished: false, summary, failure };
    let is_board = progress.target.source == SourceKind::Site;
    match unless_source_is_broken(ended, progress.filled, is_board, is_overdue) {
        Stopped::Complete => Verdict { is_finished: true, ..verdict(finished(&progress), summary, None) },
        Stopped::EndOfBoard => {
            let summary = RuleSummary { stopped: StopReason::EndOfBoard, ..summary };
            Verdict { is_finished: true, ..verdict(finished(&progress), summary, None) }
        }
        Stopped::Deadline => verdict(unfinished, RuleSummary { stopped: StopReason::Deadline, ..summary }, None),
        Stopped::Source(SourceError::Refused(reason)) => {
            let block = Block::after(last_block, now, reason);
            let summary = summary.blocked_by(&block);
            verdict(RuleState { block: Some(block), ..unfinished }, summary, None)
        }
        Stopped::Source(SourceError::NoPoints { resets_at }) => {
            let wait = Wait::for_points(resets_at);
            let summary = summary.without_points(&wait);
            verdict(RuleState { wait: Some(wait), ..unfinished }, summary, None)
        }
        Stopped::Source(SourceError::Failed(error)) | Stopped::Store(error) => {
            let last_wait = before.and_then(|state| state.wait.as_ref());
            let wait = Wait::after_failure(last_wait, now, format!("{error:#}"));
            verdict(RuleState { wait: Some(wait), ..unfinished }, summary, Some(error))
        }
    }
}

/// Too many skipped pages fail the run, as the source is broken, except when the run began more than the delay ago: then
/// the rule is finished with gaps rather than tried for ever. Half of a board is too many, however short it is.
fn unless_source_is_broken(ended: Ended, filled: u32, is_board: bool, is_overdue: bool) -> Stopped {
    let (failed, filled) = (ended.skipped.len(), filled as usize);
    let is_half = is_board && failed >= filled;
    let is_broken = filled == 0 || (!is_overdue && (is_half || pages::source_is_broken(failed, filled)));
    match (ended.stopped, ended.skipped.into_iter().next()) {
        (Stopped::Complete | Stopped::EndOfBoard, Some((_, error))) if is_broken => {
            Stopped::Source(SourceError::Failed(error))
        }
        (stopped, _) => stopped,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use chrono::TimeDelta;

    use super::*;
    use crate::rule::Target;
    use crate::rule::tests::rule;
    use crate::testing::noon;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// The verdict on a run that began so many hours ago and read so many pages with players.
    fn judged(ended: impl Into<Ended>, hours_ago: i64, filled: u32, before: Option<&RuleState>) -> Verdict {
        let started_at = noon() - TimeDelta::hours(hours_ago);
        let progress = Progress { filled, pages: filled, ..Progress::of(rule("any", None).target, started_at) };
        let summary = RuleSummary::new(None, None, StopReason::Complete);
        verdict(ended.into(), progress, summary, before, None, noon(), DAY)
    }

    fn skipped(pages: u32) -> Ended {
        let skipped = (1..=pages).map(|page| (page, anyhow!("page {page} is garbled"))).collect();
        Ended { stopped: Stopped::EndOfBoard, failed: Vec::new(), skipped }
    }

    #[test]
    fn a_run_to_the_end_is_finished_and_forgets_everything() {
        for (stopped, told) in
            [(Stopped::Complete, StopReason::Complete), (Stopped::EndOfBoard, StopReason::EndOfBoard)]
        {
            let verdict = judged(stopped, 1, 10, None);
            assert!(verdict.is_finished && verdict.failure.is_none());
            assert_eq!((verdict.summary.stopped, verdict.state), (told, RuleState::default()));
        }
    }

    #[test]
    fn of_a_reading_of_reports_it_is_remembered_when_it_began() {
        let target = Target::new(31, 4, SourceKind::Reports);
        let expected = RuleState { read_until: Some(noon()), ..RuleState::default() };
        assert_eq!(finished(&Progress::of(target, noon())), expected);
    }

    #[test]
    fn a_run_that_is_cut_short_keeps_its_progress_and_the_last_refusal() {
        let block = Block::after(None, noon(), "human check".to_owned());
        let before = RuleState { block: Some(block.clone()), ..RuleState::default() };
        let verdict = judged(Stopped::Deadline, 1, 10, Some(&before));
        assert!(!verdict.is_finished);
        assert_eq!(verdict.summary.stopped, StopReason::Deadline);
        assert_eq!((verdict.state.progress.unwrap().filled, verdict.state.block), (10, Some(block)));
    }

    #[test]
    fn a_refusal_blocks_the_source_and_missing_points_only_wait() {
        let refused = judged(Stopped::Source(SourceError::Refused("human check".to_owned())), 1, 10, None);
        let block = refused.state.block.unwrap();
        assert_eq!((block.refusals, block.until), (1, noon() + TimeDelta::hours(1)));
        assert!(refused.summary.refused && refused.failure.is_none());
        assert_eq!(refused.summary.stopped, StopReason::Blocked);
        assert_eq!(refused.summary.blocked_until, Some(block.until));

        let resets_at = noon() + TimeDelta::minutes(20);
        let waiting = judged(Stopped::Source(SourceError::NoPoints { resets_at }), 1, 10, None);
        assert_eq!((waiting.state.wait.unwrap().failures, waiting.state.block), (0, None));
        assert!(!waiting.summary.refused && waiting.summary.stopped == StopReason::Blocked);
    }

    #[test]
    fn failures_back_off_longer_each_time() {
        let first = judged(Stopped::Store(anyhow!("the disk is full")), 1, 10, None);
        assert_eq!(first.state.wait.as_ref().unwrap().failures, 1);
        assert_eq!(first.failure.unwrap().to_string(), "the disk is full");
        let broken = Stopped::Source(SourceError::Failed(anyhow!("HTTP 500")));
        let second = judged(broken, 1, 10, Some(&first.state)).state.wait.unwrap();
        assert_eq!((second.failures, second.until), (2, noon() + TimeDelta::hours(2)));
    }

    #[test]
    fn a_few_skipped_pages_are_gaps_and_many_are_a_broken_source() {
        assert!(judged(skipped(3), 1, 100, None).is_finished);
        assert!(judged(skipped(9), 1, 100, None).failure.is_some());
        assert!(judged(skipped(1), 1, 0, None).failure.is_some(), "nothing but a broken page");
        assert!(judged(skipped(2), 1, 3, None).is_finished && judged(skipped(2), 1, 2, None).failure.is_some());
        assert!(judged(skipped(9), 24, 100, None).failure.is_some(), "it is not due again yet");
        assert!(judged(skipped(9), 25, 100, None).is_finished, "it is due again: gaps rather than no end");
        assert!(judged(skipped(1), 25, 0, None).failure.is_some());
        let of_lists = |failed, filled| {
            let target = Target { source: SourceKind::Reports, ..rule("any", None).target };
            let progress = Progress { filled, ..Progress::of(target, noon()) };
            let summary = RuleSummary::new(None, None, StopReason::Complete);
            verdict(skipped(failed), progress, summary, None, None, noon(), DAY).is_finished
        };
        assert!(of_lists(1, 1) && of_lists(3, 1) && !of_lists(4, 1) && !of_lists(1, 0), "lists of a quiet raid");
    }
}
