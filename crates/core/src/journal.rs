//! The journal `runs`: one document for each invocation, for people. No stage depends on it.
//!
//! A run is written twice under the same id: at its start as *unfinished*, and at its end as what it came to. While it
//! works, `ended_at` of the unfinished document moves on as a sign of life. So a run that was killed, or ran into its
//! time limit, is seen for what it was ([`Run::fate`]).
#![expect(async_fn_in_trait, reason = "awaited in place")]

use std::pin::pin;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::{Either, select};
use futures::{Stream, stream};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Timestamp;
use crate::ports::{Clock, Result};
use crate::words::words;

/// Runs are kept this long.
pub const KEPT: TimeDelta = TimeDelta::days(90);
/// Most runs that are kept: the newest.
pub const MOST_RUNS: u64 = 100_000;
/// How often an unfinished run gives a sign of life.
pub const SIGN_OF_LIFE_EVERY: TimeDelta = TimeDelta::seconds(15);

/// The stage that leaves so many runs that trimming the journal at each of them would be felt.
pub const BUSIEST_STAGE: &str = "player-rank";
/// A journal that takes longer than this to write is done without.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Most bytes of a stored summary, as JSON.
const LONGEST_SUMMARY: usize = 8 * 1024;
/// Most entries of a list inside a summary.
const LONGEST_LIST: usize = 20;
/// Most characters of a text inside a summary.
const LONGEST_TEXT: usize = 300;
/// Marks the summary of a run that has not ended.
const UNFINISHED: &str = "unfinished";
/// Marks the summary of an unfinished run whose process is known to be gone.
const KILLED: &str = "killed";

words! {
    "outcome",
    /// How an invocation ended, as stored.
    pub enum Outcome {
        /// It did what it was for.
        Ok = "ok",
        /// It did not: the summary holds `errorType` and `errorMessage`, or says that it is unfinished.
        Failed = "failed",
    }
}

/// A document of `runs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its `_id`: different for every attempt.
    pub id: String,
    /// `discover`, `aggregator`, `player-rank`, `reviver` or `db-generator`.
    pub stage: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; of an unfinished run, its last sign of life.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What it did: the stage's summary, bounded in size.
    pub summary: Value,
}

words! {
    "fate",
    /// What became of a run, as seen later.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Fate {
        /// Done.
        Ok = "ok",
        /// Ended with an error.
        Failed = "failed",
        /// Still at work.
        Running = "running",
        /// Worked until its time limit without coming to an end.
        Hung = "hung",
        /// Ended without a word before its time limit: killed, or the machine stopped.
        Killed = "killed",
    }
}

impl Run {
    /// A run that begins now. `deadline` is when it must have ended; none on one machine.
    pub fn begin(id: String, stage: &str, now: Timestamp, deadline: Option<Timestamp>) -> Self {
        let mut summary = Map::from_iter([(UNFINISHED.to_owned(), json!(true))]);
        if let Some(deadline) = deadline {
            summary.insert("deadline".to_owned(), json!(deadline));
        }
        let stage = stage.to_owned();
        Self { id, stage, started_at: now, ended_at: now, outcome: Outcome::Failed, summary: Value::Object(summary) }
    }

    /// The same run, alive at `now`.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> Self {
        Self { ended_at: now, ..self.clone() }
    }

    /// The same run, ended well.
    #[must_use]
    pub fn ended(&self, now: Timestamp, summary: Value) -> Self {
        Self { ended_at: now, outcome: Outcome::Ok, summary: bounded(summary), ..self.clone() }
    }

    /// The same run, ended by an error. What is known of its work stays beside the error.
    #[must_use]
    pub fn failed(&self, now: Timestamp, error_type: &str, message: &str, known: Map<String, Value>) -> Self {
        let mut summary = known;
        summary.insert("errorType".to_owned(), json!(error_type));
        summary.insert("errorMessage".to_owned(), json!(message));
        Self { ended_at: now, outcome: Outcome::Failed, summary: bounded(Value::Object(summary)), ..self.clone() }
    }

    /// What became of it, looked at `now`.
    pub fn fate(&self, now: Timestamp) -> Fate {
        let is = |mark| self.summary.get(mark) == Some(&Value::Bool(true));
        match (self.outcome, is(UNFINISHED)) {
            (Outcome::Ok, _) => Fate::Ok,
            (Outcome::Failed, false) => Fate::Failed,
            (Outcome::Failed, true) if is(KILLED) => Fate::Killed,
            (Outcome::Failed, true) => self.fate_of_unfinished(now),
        }
    }

    fn fate_of_unfinished(&self, now: Timestamp) -> Fate {
        let deadline = self.summary.get("deadline").and_then(|at| serde_json::from_value::<Timestamp>(at.clone()).ok());
        // Two signs of life may be late or lost.
        let patience = SIGN_OF_LIFE_EVERY * 3;
        if now < self.ended_at + patience && deadline.is_none_or(|deadline| now < deadline) {
            Fate::Running
        } else if deadline.is_some_and(|deadline| self.ended_at + SIGN_OF_LIFE_EVERY * 2 >= deadline) {
            Fate::Hung
        } else {
            Fate::Killed
        }
    }
}

/// The journal of a store.
pub trait Journal {
    /// Writes a run, in place of what stands under its id.
    async fn record(&self, run: &Run) -> Result<()>;
    /// The runs that began at or after `since`, oldest first. What cannot be read is left out.
    fn runs_since(&self, since: Timestamp) -> impl Stream<Item = Result<Run>>;
}

/// The journal of a program without a store.
#[derive(Debug, Clone, Copy)]
pub struct NoJournal;

impl Journal for NoJournal {
    async fn record(&self, _: &Run) -> Result<()> {
        Ok(())
    }

    fn runs_since(&self, _: Timestamp) -> impl Stream<Item = Result<Run>> {
        stream::empty()
    }
}

/// Does `work` and meanwhile keeps `run`, which begins with it, in the journal. What it came to is for [`note`].
pub async fn keep<J: Journal, C: Clock, T>(journal: &J, clock: &C, run: &Run, work: impl Future<Output = T>) -> T {
    let every = SIGN_OF_LIFE_EVERY.to_std().unwrap_or_default();
    let mut work = pin!(work);
    let mut alive = run.clone();
    loop {
        match select(work.as_mut(), pin!(note(journal, clock, &alive, PATIENCE))).await {
            Either::Left((done, writing)) => {
                // What is written last must not be overtaken by it.
                writing.await;
                return done;
            }
            Either::Right(_) => {}
        }
        match select(work.as_mut(), pin!(clock.sleep(every))).await {
            Either::Left((done, _)) => return done,
            Either::Right(_) => alive = run.alive(clock.now()),
        }
    }
}

/// Writes `run` to the journal; a journal that fails or takes longer than `patience` is logged and done without.
pub async fn note<J: Journal, C: Clock>(journal: &J, clock: &C, run: &Run, patience: Duration) {
    match select(pin!(journal.record(run)), pin!(clock.sleep(patience))).await {
        Either::Left((Ok(()), _)) => {}
        Either::Left((Err(error), _)) => {
            tracing::warn!(stage = %run.stage, error = format!("{error:#}"), "the journal could not be written");
        }
        Either::Right(_) => tracing::warn!(stage = %run.stage, "the journal took too long to write"),
    }
}

/// `summary`, cut to what fits into the journal: long lists keep their first entries and tell their length in
/// `<name>Count`, long texts end with "…". What is still too long keeps its plain values only.
pub fn bounded(mut summary: Value) -> Value {
    shorten(&mut summary);
    if summary.to_string().len() > LONGEST_SUMMARY
        && let Value::Object(fields) = &mut summary
    {
        fields.retain(|_, value| !value.is_object() && !value.is_array());
        let mut room = LONGEST_SUMMARY;
        fields.retain(|name, value| {
            let size = name.len() + value.to_string().len() + 4;
            let fits = size <= room;
            room = room.saturating_sub(if fits { size } else { 0 });
            fits
        });
    }
    summary
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(values) => {
            values.truncate(LONGEST_LIST);
            values.iter_mut().for_each(shorten);
        }
        Value::Object(fields) => {
            let long = fields.iter().filter_map(|(name, value)| {
                let length = value.as_array()?.len();
                (length > LONGEST_LIST).then(|| (format!("{name}Count"), json!(length)))
            });
            for (name, length) in long.collect::<Vec<_>>() {
                fields.entry(name).or_insert(length);
            }
            fields.values_mut().for_each(shorten);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TokioClock, noon};

    fn at(seconds: i64) -> Timestamp {
        noon() + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_run_is_told_from_start_to_end() {
        let run = Run::begin("a".into(), "discover", at(0), None).ended(at(7), json!({ "pages": 3 }));
        assert_eq!((run.started_at, run.ended_at, run.outcome), (at(0), at(7), Outcome::Ok));
        assert_eq!(run.summary, json!({ "pages": 3 }));
        let failed = run.failed(at(8), "NoBudget", "no points", Map::new());
        assert_eq!((failed.fate(at(9)), failed.ended_at), (Fate::Failed, at(8)));
        assert_eq!(failed.summary, json!({ "errorType": "NoBudget", "errorMessage": "no points" }));
    }

    #[test]
    fn killed_hung_and_running_are_told_apart() {
        let run = Run::begin("a".into(), "discover", at(0), Some(at(900)));
        assert_eq!(run.fate(at(20)), Fate::Running);
        assert_eq!(run.fate(at(46)), Fate::Killed, "no sign of life");
        let alive = run.alive(at(885));
        assert_eq!(alive.fate(at(890)), Fate::Running);
        assert_eq!(alive.fate(at(900)), Fate::Hung, "at work until its time limit");
        let known = Run { summary: json!({ "unfinished": true, "killed": true }), ..run.clone() };
        assert_eq!(known.fate(at(1)), Fate::Killed, "its process is known to be gone");
        let on_one_machine = Run::begin("a".into(), "discover", at(0), None).alive(at(80_000));
        assert_eq!(on_one_machine.fate(at(80_010)), Fate::Running);
        assert_eq!(on_one_machine.fate(at(80_100)), Fate::Killed);
    }

    /// A journal in memory; one that hangs never answers.
    #[derive(Default)]
    struct Memory {
        written: std::cell::RefCell<Vec<Run>>,
        hangs: bool,
    }

    impl Journal for Memory {
        async fn record(&self, run: &Run) -> Result<()> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            self.written.borrow_mut().push(run.clone());
            anyhow::bail!("never in the way");
        }

        fn runs_since(&self, _: Timestamp) -> impl Stream<Item = Result<Run>> {
            stream::empty()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_gives_signs_of_life_while_it_works() {
        let (journal, clock) = (Memory::default(), TokioClock::at_noon());
        let run = Run::begin("a".into(), "discover", clock.now(), None);
        let done = keep(&journal, &clock, &run, tokio::time::sleep(Duration::from_secs(40))).await;
        assert_eq!(done, ());
        let signs: Vec<_> = journal.written.borrow().iter().map(|run| (run.ended_at - at(0)).num_seconds()).collect();
        assert_eq!(signs, [0, 15, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_hangs_holds_nobody_up() {
        let (journal, clock) = (Memory { hangs: true, ..Memory::default() }, TokioClock::at_noon());
        let run = Run::begin("a".into(), "discover", clock.now(), None);
        let done = keep(&journal, &clock, &run, async { 7 }).await;
        note(&journal, &clock, &run.ended(clock.now(), json!({})), PATIENCE).await;
        assert_eq!(done, 7);
        assert!(clock.now() <= at(5), "{}", clock.now());
    }

    #[test]
    fn a_summary_of_any_size_is_bounded() {
        let long = bounded(json!({ "finished": vec!["x".repeat(1000); 1000], "done": 5 }));
        assert_eq!(long["finishedCount"], 1000);
        assert_eq!(long["finished"].as_array().unwrap().len(), LONGEST_LIST);
        assert!(long["finished"][0].as_str().unwrap().ends_with('…'));
        let mut wide = Map::new();
        (0..10_000).for_each(|index| {
            wide.insert(format!("field {index}"), json!("ä".repeat(250)));
        });
        assert!(bounded(Value::Object(wide)).to_string().len() <= LONGEST_SUMMARY);
        let deep = (0..500).fold(json!(1), |inner, _| json!({ "a": [inner, "x".repeat(200)] }));
        assert!(bounded(deep).to_string().len() <= LONGEST_SUMMARY);
        let small = json!({ "rules": [{ "pages": 3, "stopped": "complete" }] });
        assert_eq!(bounded(small.clone()), small);
    }

    #[test]
    fn outcomes_and_fates_have_one_name_each() {
        for (outcome, name) in [(Outcome::Ok, "ok"), (Outcome::Failed, "failed")] {
            assert_eq!((outcome.name(), name.parse()), (name, Ok(outcome)));
        }
        assert!("killed".parse::<Outcome>().unwrap_err().contains("killed"));
        let fates = [Fate::Ok, Fate::Failed, Fate::Running, Fate::Hung, Fate::Killed];
        assert_eq!(fates.map(Fate::name), ["ok", "failed", "running", "hung", "killed"]);
        assert!(fates.iter().all(|fate| serde_json::to_value(fate).unwrap() == fate.name()));
    }

    #[test]
    fn two_signs_of_life_may_be_lost() {
        let run = Run::begin("a".into(), "discover", at(0), Some(at(900)));
        assert_eq!((run.fate(at(44)), run.fate(at(45))), (Fate::Running, Fate::Killed));
        let late = |last| run.alive(at(last)).fate(at(1000));
        assert_eq!((late(869), late(870)), (Fate::Killed, Fate::Hung));
    }

    #[test]
    fn a_list_that_fits_is_told_whole() {
        let list = |length| bounded(json!({ "finished": vec!["x"; length] }));
        assert_eq!(list(20), json!({ "finished": vec!["x"; 20] }));
        assert_eq!(list(21), json!({ "finished": vec!["x"; 20], "finishedCount": 21 }));
        let text = |length| bounded(json!({ "reason": "ä".repeat(length) }));
        assert_eq!(text(300), json!({ "reason": "ä".repeat(300) }));
        assert_eq!(text(301), json!({ "reason": format!("{}…", "ä".repeat(300)) }));
    }

    #[test]
    fn a_summary_is_cut_only_beyond_its_room_and_keeps_its_plain_values() {
        // Two lists that fit, and a text that makes up the size.
        let of_size = |bytes: usize| {
            let summary = |rest| {
                let texts = |count| vec!["x".repeat(300); count];
                json!({ "done": 5, "finished": texts(20), "failed": texts(6), "reason": "y".repeat(rest) })
            };
            summary(bytes - summary(0).to_string().len())
        };
        let fits = of_size(LONGEST_SUMMARY);
        assert_eq!((fits.to_string().len(), bounded(fits.clone())), (LONGEST_SUMMARY, fits));
        let cut = bounded(of_size(LONGEST_SUMMARY + 1));
        assert_eq!(cut.as_object().unwrap().keys().collect::<Vec<_>>(), ["done", "reason"]);
        let mut summary: Map<String, Value> =
            (0..3).map(|list| (format!("list{list}"), json!(vec!["x".repeat(299); 19]))).collect();
        summary.extend([("done".to_owned(), json!(5)), ("rules".to_owned(), json!({ "pages": 3 }))]);
        assert_eq!(bounded(Value::Object(summary)), json!({ "done": 5 }), "no list and no object of it");
    }

    #[test]
    fn of_many_plain_values_as_many_are_kept_as_there_is_room_for() {
        let wide: Map<String, Value> = (0..5000).map(|index| (format!("{index:05}"), json!(index % 10))).collect();
        let length = bounded(Value::Object(wide)).to_string().len();
        assert!((LONGEST_SUMMARY - 12..=LONGEST_SUMMARY).contains(&length), "{length}");
    }
}
