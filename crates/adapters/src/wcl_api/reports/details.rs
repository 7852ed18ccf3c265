//! Who was in a report and what died, for several reports by one request.

use parsebook_core::report::{DetailOutcome, ReportDetails};
use serde_json::Value;

use super::super::pieces::{Pieces, Problem};
use super::super::points::Receipt;
use super::super::question::Question;
use super::super::reply::Body;
use super::Skipped;
use super::lookup::{self, Said, alias};

/// A report, its characters and its kills are 1 point each.
pub fn cost(reports: usize) -> f64 {
    3.0 * reports as f64
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Details {
    pub outcomes: Vec<(String, DetailOutcome)>,
}

impl Pieces<String> for Details {
    fn question(&self, codes: &[String]) -> Question {
        let report = |code: &String| format!("{}: report(code: \"{code}\") {{ {} }} ", alias(code), lookup::FIELDS);
        Question::new("reportData", &codes.iter().map(report).collect::<String>(), cost(codes.len()))
    }

    fn read(&mut self, codes: &[String], body: &Body) -> Result<Vec<usize>, String> {
        // Whether all of a page are odd, which is no fault of theirs, is told where the page is known.
        let mut alone = Vec::new();
        let mut outcomes = Vec::new();
        for (at, code) in codes.iter().enumerate() {
            let outcome = match lookup::find(body, code, &[], codes.len() == 1) {
                Said::Gone(why) => DetailOutcome::Gone(why),
                Said::Failed(reason) => DetailOutcome::Failed(reason),
                Said::AskAlone => {
                    alone.push(at);
                    continue;
                }
                Said::Report(report) => match details(report) {
                    Ok(details) => DetailOutcome::Read(details),
                    Err(reason) => DetailOutcome::Failed(reason),
                },
            };
            outcomes.push((code.clone(), outcome));
        }
        self.outcomes.extend(outcomes);
        Ok(alone)
    }

    fn fail(&mut self, code: &String, problem: Problem) {
        self.outcomes.push((code.clone(), DetailOutcome::Failed(problem.text())));
    }

    fn pay(&mut self, _: f64, _: Option<Receipt>) {}
}

fn details(report: &Value) -> Result<ReportDetails, String> {
    let mut skipped = Skipped::default();
    let characters = lookup::characters(report, &mut skipped)?;
    let kills = lookup::kills(report, &mut skipped)?;
    Ok(ReportDetails { characters, kills, skipped: skipped.into_lines() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    #[test]
    fn one_request_carries_several_reports() {
        let question = Details::default().question(&codes(&["aB1", "cD2"]));
        assert_eq!((question.root, question.cost), ("reportData", 6.0));
        for part in ["raB1: report(code: \"aB1\")", "rcD2: report", "rankedCharacters { id canonicalID hidden }"] {
            assert!(question.query.contains(part), "{part} in {}", question.query);
        }
    }

    #[test]
    fn one_bad_report_costs_only_itself() {
        let good = json!({"startTime": 0, "rankedCharacters": [{"id": 7}], "fights": []});
        let odd = json!({"startTime": 0, "rankedCharacters": [{"guid": 7}], "fights": []});
        let body = |a: &Value, b: &Value| Body { data: json!({"reportData": {"ra": a, "rb": b}}), ..Body::default() };
        let mut read = Details::default();
        assert_eq!(read.read(&codes(&["a", "b"]), &body(&good, &odd)), Ok(vec![]));
        assert!(matches!(&read.outcomes[0].1, DetailOutcome::Read(details) if details.characters.len() == 1));
        assert_eq!(read.outcomes[1].1, DetailOutcome::Failed("character missing".to_owned()));
        assert_eq!(read.read(&codes(&["a", "b"]), &body(&odd, &odd)), Ok(vec![]));
        assert!(read.outcomes[2..].iter().all(|(_, outcome)| matches!(outcome, DetailOutcome::Failed(_))));
    }
}
