//! Ranks of everyone in several reports by one request.

use parsebook_core::ports::{Clock, RankedReports, ReportRanks};
use parsebook_core::report::{Metric, RankPart, RankRow, ReportOutcome, ReportQuestion, ReportReading};
use serde_json::Value;

use super::super::keys::KeyState;
use super::super::pieces::{Pieces, Problem, odd_as_a_whole};
use super::super::points::{Receipt, ReportPrice};
use super::super::question::Question;
use super::super::reply::Body;
use super::super::{WclApi, json};
use super::Skipped;
use super::lookup::{self, Said, alias};
use super::rows::{self, NoRows};
use crate::text::excerpt;

/// Points of a report besides its ranks: kills and characters.
const AROUND: f64 = 2.0;
/// Points of a report's ranks in one metric, or of one kill's in it.
const RANKS: f64 = 2.0;
/// Kills of a night, for what a report may cost before it was read.
const USUAL_KILLS: f64 = 6.0;

impl<C: Clock> ReportRanks for WclApi<C> {
    async fn rank_reports(&self, key: &str, questions: &[ReportQuestion]) -> RankedReports {
        let key = match self.key(key) {
            Ok(key) => key,
            Err(error) => return RankedReports { stopped: Some(error), ..RankedReports::default() },
        };
        let codes: Vec<String> = questions.iter().map(|question| question.code.clone()).collect();
        let (codes, malformed) = lookup::well_formed(&codes);
        let well_formed = questions.iter().filter(|question| codes.contains(&question.code));
        let questions: Vec<ReportQuestion> = match key.points.is_flat() {
            true => well_formed.map(widened).collect(),
            false => well_formed.cloned().collect(),
        };
        let outcomes = malformed.into_iter().map(|(code, why)| (code, ReportOutcome::Failed(why))).collect();
        let ranked = RankedReports { outcomes, ..RankedReports::default() };
        let mut ranking = Ranking { key, ranked, paid: (0.0, None) };
        if !questions.is_empty() {
            ranking.ranked.stopped = self.ask_in_pieces(key, &questions, &mut ranking).await.err();
        }
        for (_, outcome) in &mut ranking.ranked.outcomes {
            let lines = match outcome {
                ReportOutcome::Failed(reason) => std::slice::from_mut(reason),
                ReportOutcome::Read(reading) => &mut reading.skipped,
                ReportOutcome::Gone(_) => &mut [],
            };
            self.guard.withhold_from(lines);
        }
        ranking.ranked
    }
}

/// What was read so far.
struct Ranking<'k> {
    key: &'k KeyState,
    ranked: RankedReports,
    /// What the last request was taken to cost, and its reading.
    paid: (f64, Option<Receipt>),
}

/// The question with every difficulty of the metrics that it asks for: at a flat price that costs no more.
fn widened(question: &ReportQuestion) -> ReportQuestion {
    let asked = |metric: &Metric| question.parts.iter().any(|part| part.metric == *metric);
    let parts = Metric::ALL.into_iter().filter(asked).map(|metric| RankPart { metric, difficulty: None }).collect();
    ReportQuestion { code: question.code.clone(), parts }
}

/// What a part is called in the question and in its answer.
fn part_alias(part: &RankPart) -> String {
    match part.difficulty {
        Some(difficulty) => format!("{}{difficulty}", part.metric),
        None => part.metric.to_string(),
    }
}

impl Pieces<ReportQuestion> for Ranking<'_> {
    fn question(&self, questions: &[ReportQuestion]) -> Question {
        let rankings = |part: &RankPart| {
            let (alias, metric) = (part_alias(part), part.metric);
            let difficulty =
                part.difficulty.map(|difficulty| format!(", difficulty: {difficulty}")).unwrap_or_default();
            format!("{alias}: rankings(compare: Rankings, timeframe: Historical, playerMetric: {metric}{difficulty}) ")
        };
        let report = |question: &ReportQuestion| {
            let ReportQuestion { code, parts } = question;
            let (alias, fields) = (alias(code), lookup::FIELDS);
            let rankings: String = parts.iter().map(rankings).collect();
            format!(
                "{alias}: report(code: \"{code}\") {{ endTime revision segments exportedSegments {fields} {rankings}}} "
            )
        };
        let parts = questions.iter().map(|question| question.parts.len()).sum::<usize>() as f64;
        let cost = price(questions.len(), parts, USUAL_KILLS * parts).per_kill;
        Question::new("reportData", &questions.iter().map(report).collect::<String>(), cost)
    }

    fn read(&mut self, questions: &[ReportQuestion], body: &Body) -> Result<Vec<usize>, String> {
        let mut alone = Vec::new();
        let mut odd = Vec::new();
        let mut outcomes = Vec::new();
        let mut fights = 0;
        for (at, ReportQuestion { code, parts }) in questions.iter().enumerate() {
            let aliases: Vec<String> = parts.iter().map(part_alias).collect();
            let outcome = match lookup::find(body, code, &aliases, questions.len() == 1) {
                Said::Gone(why) => ReportOutcome::Gone(why),
                Said::Failed(reason) => ReportOutcome::Failed(reason),
                Said::AskAlone => {
                    alone.push(at);
                    continue;
                }
                Said::Report(report) => match reading(code, parts, report, body) {
                    Ok((reading, ranked_fights)) => {
                        fights += ranked_fights;
                        ReportOutcome::Read(reading)
                    }
                    Err(NoRows::Refused(reason)) => match lookup::why_gone(&reason) {
                        Some(why) => ReportOutcome::Gone(why),
                        None => ReportOutcome::Failed(reason),
                    },
                    Err(NoRows::Odd(reason)) => {
                        odd.push(reason.clone());
                        ReportOutcome::Failed(reason)
                    }
                },
            };
            outcomes.push((code.clone(), outcome));
        }
        let (expected, receipt) = self.paid;
        let parts = questions.iter().map(|question| question.parts.len()).sum::<usize>();
        let price = price(questions.len(), parts as f64, fights as f64);
        self.ranked.points_spent += self.key.points.settle(receipt, price, expected) - expected;
        if let Some(first) = odd_as_a_whole(&odd, questions.len()) {
            return Err(format!("none of {} reports can be understood: {first}", questions.len()));
        }
        self.ranked.outcomes.extend(outcomes);
        Ok(alone)
    }

    fn fail(&mut self, question: &ReportQuestion, problem: Problem) {
        self.ranked.outcomes.push((question.code.clone(), ReportOutcome::Failed(problem.text())));
    }

    fn pay(&mut self, cost: f64, receipt: Option<Receipt>) {
        self.ranked.points_spent += cost;
        self.paid = (cost, receipt);
    }
}

/// What a question for `reports` may cost, with so many parts in all of them and so many kills in all of these.
fn price(reports: usize, parts: f64, kills: f64) -> ReportPrice {
    let around = reports as f64 * AROUND;
    ReportPrice { flat: around + parts * RANKS, per_kill: around + kills * RANKS }
}

/// One report, and how many kills its parts have ranks of.
fn reading(code: &str, parts: &[RankPart], report: &Value, body: &Body) -> Result<(ReportReading, usize), NoRows> {
    let mut skipped = Skipped::default();
    let characters = lookup::characters(report, &mut skipped).map_err(NoRows::Odd)?;
    let kills = lookup::kills(report, &mut skipped).map_err(NoRows::Odd)?;
    let mut rows: Vec<RankRow> = Vec::new();
    let mut fights = 0;
    let mut unread = Vec::new();
    for part in parts {
        let alias = part_alias(part);
        let mut odd = Skipped::default();
        let read = match body.error_in(&[&lookup::alias(code), &alias]) {
            Some(error) => Err(NoRows::Refused(excerpt(&error))),
            None => rows::read(report.get(&alias).unwrap_or(&Value::Null), &mut odd),
        };
        match read {
            Ok(read) => {
                // Everyone stands under both metrics.
                skipped.append_new(odd);
                fights += read.fights;
                rows.extend(read.rows.into_iter().filter(|row| row.metric == part.metric));
            }
            Err(why) => {
                skipped.push(format!("ranks by {alias}: {}", why.text()));
                unread.push(why);
            }
        }
    }
    let is_partial = !unread.is_empty() || lookup::is_exporting(report);
    if unread.len() == parts.len() {
        return Err(unread.swap_remove(0));
    }
    let revision = report.get("revision").and_then(json::whole);
    let revision =
        revision.ok_or_else(|| NoRows::Odd(format!("revision {}", json::told_field(report, "/revision"))))?;
    let reading = ReportReading {
        code: code.to_owned(),
        revision,
        end: lookup::time(report, "endTime").map_err(NoRows::Odd)?,
        is_partial,
        characters,
        kills,
        rows,
        skipped: skipped.into_lines(),
    };
    Ok((reading, fights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_a_flat_price_a_metric_is_asked_whole() {
        let part = |metric, difficulty| RankPart { metric, difficulty };
        let question = |parts: &[RankPart]| ReportQuestion { code: "aB1".to_owned(), parts: parts.to_vec() };
        let narrow = [part(Metric::Dps, Some(5)), part(Metric::Dps, Some(4))];
        assert_eq!(widened(&question(&narrow)), question(&[part(Metric::Dps, None)]));
        let both = [part(Metric::Dps, None), part(Metric::Hps, Some(5))];
        assert_eq!(widened(&question(&both)), question(&[part(Metric::Dps, None), part(Metric::Hps, None)]));
    }
}
