//! What the answers to `parsebook calibrate` mean: how Warcraft Logs prices and behaves today, and what to set. Pure.
//!
//! Each question has a name, C1 to C15 (`docs/wcl.md` lists them), under which its price and its findings are told. A
//! question that was not asked, or whose answer does not tell, leaves its findings out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// No question is begun that could take the sum beyond this.
pub const STOP_AT: f64 = 95.0;
/// Kills of a usual night, for the price of a usual report.
const USUAL_KILLS: f64 = 6.0;

/// A page of a list of reports (C1).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListSeen {
    /// Reports on it.
    pub reports: usize,
    /// What `total` says.
    pub total: Option<f64>,
    /// Whether they come in order of their start, either way.
    pub is_sorted: bool,
}

/// Ranks in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RanksSeen {
    /// Kills answered.
    pub kills: usize,
    /// Rows.
    pub rows: usize,
    /// Rows without a percentile yet.
    pub without_percent: usize,
    /// Rows whose `best` is a rank.
    pub with_best: usize,
    /// Rows of specs that heal.
    pub healing: usize,
    /// Rows of characters that hide.
    pub hidden: usize,
}

/// Which of several kills of a boss `zoneRankings` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The one with the highest percentile.
    BestPercent,
    /// The one with the highest amount.
    BestAmount,
}

/// What a rank is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Everyone's best of the tier.
    Rankings,
    /// All kills of two weeks.
    Parses,
}

/// Ranks as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timeframe {
    /// The time of the kill.
    Historical,
    /// Now.
    Today,
}

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observations {
    /// Points by question, where the readings before and after are of one hour.
    pub points: BTreeMap<String, f64>,
    /// C1: a page of a list.
    pub list: Option<ListSeen>,
    /// C2: what the page after the 25th says instead of reports; an empty text if it has an answer.
    pub beyond_last_page: Option<String>,
    /// C4: all kills of a report by `dps`.
    pub whole: Option<RanksSeen>,
    /// C5: one kill.
    pub one_kill: Option<RanksSeen>,
    /// C7: a report's kills by `hps`.
    pub healing: Option<RanksSeen>,
    /// C8: the metric that `zoneRankings` answers for a healer when none is named.
    pub default_metric: Option<String>,
    /// C9: which kill `zoneRankings` shows.
    pub shown: Option<Shown>,
    /// C9: the time `zoneRankings` means when none is named.
    pub zone_timeframe: Option<Timeframe>,
    /// C10: a kill of the last hours.
    pub fresh: Option<RanksSeen>,
    /// C11: kills of a report in which a ranked character hides.
    pub with_hidden: Option<RanksSeen>,
    /// C12: what a report's rankings are compared with when nothing is named.
    pub default_compare: Option<Compare>,
    /// C12: the time they mean then.
    pub default_timeframe: Option<Timeframe>,
    /// C13: a kill in LFR.
    pub lfr: Option<RanksSeen>,
    /// C14: what an old report says instead of rankings; an empty text if it has some.
    pub old: Option<String>,
}

/// One line of the result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The question that settles it, such as `C4`.
    pub question: &'static str,
    /// What is found, as the simulator calls its switch: `price`.
    pub name: &'static str,
    /// How it is: `per-kill`.
    pub value: String,
    /// The same for people, with the numbers it rests on.
    pub because: String,
}

/// A setting and the value that fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// What the observations mean.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Calibration {
    /// What is known now.
    pub findings: Vec<Finding>,
    /// What to set.
    pub settings: Vec<Setting>,
}

/// Judges what was seen.
pub fn judge(seen: &Observations) -> Calibration {
    let mut found = Calibration::default();
    lists(seen, &mut found);
    let price = prices(seen, &mut found);
    ranks(seen, &mut found);
    defaults(seen, &mut found);
    settings(seen, price, &mut found);
    found
}

impl Calibration {
    fn find(&mut self, question: &'static str, name: &'static str, value: impl ToString, because: String) {
        self.findings.push(Finding { question, name, value: value.to_string(), because });
    }
}

impl Observations {
    fn cost(&self, question: &str) -> Option<f64> {
        self.points.get(question).copied()
    }
}

fn lists(seen: &Observations, found: &mut Calibration) {
    if let Some(points) = seen.cost("C1") {
        found.find("C1", "list-price", points, format!("a page of reports with region and times costs {points}"));
    }
    if let Some(list) = seen.list {
        let order = if list.is_sorted { "in order of their start" } else { "in no order of their start" };
        let total = list.total.map_or_else(|| "nothing".to_owned(), |total| total.to_string());
        found.find(
            "C1",
            "list-sorted",
            list.is_sorted,
            format!("{} reports {order}; total says {total}", list.reports),
        );
    }
    if let Some(said) = &seen.beyond_last_page {
        let last: String = said.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let (value, because) = match said.as_str() {
            "" => ("none".to_owned(), "page 26 has an answer".to_owned()),
            said => (last, format!("page 26 says: {said}")),
        };
        found.find("C2", "page-cap", value, because);
    }
}

/// What a report's ranks cost: points for one kill, and for each further one.
type Price = (f64, f64);

fn prices(seen: &Observations, found: &mut Calibration) -> Option<Price> {
    let (one, whole) = (seen.cost("C5")?, seen.cost("C4")?);
    // A single kill, or kills without ranks, do not tell what a further one costs.
    let kills = seen.whole.filter(|whole| whole.kills > 1 && whole.rows > 0)?.kills as f64;
    let each = (whole - one) / (kills - 1.0);
    let value = if each < 0.25 { "flat" } else { "per-kill" };
    found.find(
        "C4",
        "price",
        value,
        format!("{kills} kills cost {whole}, one costs {one}: {each:.2} for each further kill"),
    );
    if let Some(two) = seen.cost("C6") {
        let saved = 2.0 * one - two;
        found.find(
            "C6",
            "alias-discount",
            saved >= 0.5,
            format!("two kills by two aliases cost {two}, {one} each alone"),
        );
    }
    if let Some(batch) = seen.cost("C15") {
        let saved = 3.0 * one - batch;
        found.find(
            "C15",
            "batch-discount",
            saved >= 0.5,
            format!("a kill each of three reports costs {batch}, {one} each alone"),
        );
    }
    Some((one, each.max(0.0)))
}

fn ranks(seen: &Observations, found: &mut Calibration) {
    let with_rows = |ranks: Option<RanksSeen>| ranks.filter(|ranks| ranks.rows > 0);
    if let (Some(whole), Some(one)) = (with_rows(seen.whole), with_rows(seen.one_kill)) {
        let value = if whole.with_best == whole.rows { "always" } else { "best-kill" };
        let because = format!(
            "filled in {} of {} rows with {} kills asked, in {} of {} with one",
            whole.with_best, whole.rows, whole.kills, one.with_best, one.rows
        );
        found.find("C5", "best", value, because);
    }
    if let Some(healing) = seen.healing.filter(|healing| healing.rows > 0) {
        let value = if healing.healing == healing.rows { "healers" } else { "everybody" };
        found.find("C7", "hps-rows", value, format!("{} of {} rows by hps are healers", healing.healing, healing.rows));
    }
    if let Some(fresh) = seen.fresh.filter(|fresh| fresh.rows > 0) {
        let is_ranked = fresh.without_percent * 10 < fresh.rows;
        let because = format!(
            "{} of {} rows of a kill of the last two hours have no percentile",
            fresh.without_percent, fresh.rows
        );
        found.find("C10", "ranked-within-two-hours", is_ranked, because);
    }
    if let Some(ranks) = seen.with_hidden.filter(|ranks| ranks.rows > 0) {
        let because = format!("{} of {} rows are of characters that hide", ranks.hidden, ranks.rows);
        found.find("C11", "hidden-rows", ranks.hidden > 0, because);
    }
    if let Some(lfr) = seen.lfr {
        found.find("C13", "lfr-ranked", lfr.rows > 0, format!("a kill in LFR has {} rows", lfr.rows));
    }
    if let Some(said) = &seen.old {
        let because = if said.is_empty() { "it has ranks".to_owned() } else { format!("it says: {said}") };
        found.find("C14", "archived", !said.is_empty(), format!("a report of thirteen months ago: {because}"));
    }
}

fn defaults(seen: &Observations, found: &mut Calibration) {
    if let Some(metric) = &seen.default_metric {
        let value = if metric == "hps" { "character" } else { "dps" };
        found.find("C8", "default-metric", value, format!("a healer asked without a metric is answered by {metric}"));
    }
    if let Some(shown) = seen.shown {
        found.find("C9", "shown", word(shown), "zoneRankings beside the kills of encounterRankings".to_owned());
    }
    if let Some(timeframe) = seen.zone_timeframe {
        found.find(
            "C9",
            "zone-timeframe",
            word(timeframe),
            "zoneRankings without a timeframe beside today's".to_owned(),
        );
    }
    let because = || "a kill asked without arguments beside the same kill with them".to_owned();
    if let Some(compare) = seen.default_compare {
        found.find("C12", "default-compare", word(compare), because());
    }
    if let Some(timeframe) = seen.default_timeframe {
        found.find("C12", "default-timeframe", word(timeframe), because());
    }
}

fn settings(seen: &Observations, price: Option<Price>, found: &mut Calibration) {
    if let (Some(around), Some((one, each))) = (seen.cost("C3"), price) {
        let report = around + 2.0 * (one + each * (USUAL_KILLS - 1.0));
        found.settings.push(Setting { name: "REPORT_CALL_BUDGET", value: format!("{}", report.ceil()) });
    }
    // A character and two zoneRankings; the character itself was measured as 1 point.
    if let Some(two) = seen.cost("C8") {
        let one = f64::midpoint(two, 1.0).ceil();
        let because =
            format!("a player in one raid and difficulty costs {one}, {two} where the class can heal: by two metrics");
        found.find("C8", "player-price", format!("{one} or {two}"), because);
        found.settings.push(Setting { name: "WCL_CALL_BUDGET", value: one.to_string() });
    }
}

/// A value as it is serialised.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(points: &[(&str, f64)]) -> Observations {
        let ranks = |kills: usize, with_best| RanksSeen { kills, rows: kills * 20, with_best, ..RanksSeen::default() };
        Observations {
            points: points.iter().map(|(question, points)| ((*question).to_owned(), *points)).collect(),
            whole: Some(ranks(6, 30)),
            one_kill: Some(ranks(1, 20)),
            ..Observations::default()
        }
    }

    fn value(found: &Calibration, name: &str) -> Option<String> {
        found.findings.iter().find(|finding| finding.name == name).map(|finding| finding.value.clone())
    }

    #[test]
    fn a_price_by_kill_is_told_from_a_flat_one() {
        for (whole, two, price, discount, budget) in
            [(12.0, 4.0, "per-kill", "false", "27"), (2.0, 3.0, "flat", "true", "7"), (2.1, 4.0, "flat", "false", "8")]
        {
            let found = judge(&seen(&[("C3", 3.0), ("C4", whole), ("C5", 2.0), ("C6", two), ("C8", 11.0)]));
            assert_eq!(value(&found, "price").as_deref(), Some(price), "{whole}");
            assert_eq!(value(&found, "alias-discount").as_deref(), Some(discount), "{two}");
            assert_eq!(value(&found, "best").as_deref(), Some("best-kill"));
            assert_eq!(value(&found, "player-price").as_deref(), Some("6 or 11"));
            let settings: Vec<_> =
                found.settings.iter().map(|setting| (setting.name, setting.value.as_str())).collect();
            assert_eq!(settings, [("REPORT_CALL_BUDGET", budget), ("WCL_CALL_BUDGET", "6")]);
        }
    }

    #[test]
    fn what_was_not_asked_is_left_open() {
        assert_eq!(judge(&Observations::default()), Calibration::default());
        let found = judge(&Observations { fresh: Some(RanksSeen::default()), ..Observations::default() });
        assert!(found.findings.is_empty(), "a kill without rows tells nothing: {found:?}");
    }

    #[test]
    fn each_answer_has_its_finding() {
        let rows = RanksSeen { rows: 20, healing: 4, hidden: 1, without_percent: 20, ..RanksSeen::default() };
        let found = judge(&Observations {
            list: Some(ListSeen { reports: 90, total: Some(-1.0), is_sorted: false }),
            beyond_last_page: Some("The maximum allowed page is 25".into()),
            healing: Some(rows),
            default_metric: Some("hps".into()),
            shown: Some(Shown::BestAmount),
            zone_timeframe: Some(Timeframe::Historical),
            fresh: Some(rows),
            with_hidden: Some(rows),
            default_compare: Some(Compare::Parses),
            default_timeframe: Some(Timeframe::Today),
            lfr: Some(rows),
            old: Some(String::new()),
            ..Observations::default()
        });
        let found: Vec<_> = found.findings.iter().map(|finding| (finding.name, finding.value.as_str())).collect();
        let expected = [
            ("list-sorted", "false"),
            ("page-cap", "25"),
            ("hps-rows", "everybody"),
            ("ranked-within-two-hours", "false"),
            ("hidden-rows", "true"),
            ("lfr-ranked", "true"),
            ("archived", "false"),
            ("default-metric", "character"),
            ("shown", "best-amount"),
            ("zone-timeframe", "historical"),
            ("default-compare", "parses"),
            ("default-timeframe", "today"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_quarter_of_a_point_for_each_kill_is_a_price_by_kill_and_half_a_point_saved_a_discount() {
        // Six kills: one and five more.
        let price = |whole: f64| value(&judge(&seen(&[("C4", whole), ("C5", 2.0)])), "price");
        assert_eq!((price(3.25).as_deref(), price(3.2).as_deref()), (Some("per-kill"), Some("flat")));
        let found = |question, points: f64| judge(&seen(&[("C4", 12.0), ("C5", 2.0), (question, points)]));
        let two = |points| value(&found("C6", points), "alias-discount");
        assert_eq!((two(3.5).as_deref(), two(3.6).as_deref()), (Some("true"), Some("false")));
        let three = |points| value(&found("C15", points), "batch-discount");
        assert_eq!((three(5.5).as_deref(), three(5.6).as_deref()), (Some("true"), Some("false")));
        assert_eq!(value(&judge(&seen(&[("C5", 2.0)])), "price"), None, "one price alone tells nothing");
        let of_three = |two| value(&judge(&seen(&[("C4", 18.0), ("C5", 3.0), ("C6", two)])), "alias-discount");
        assert_eq!((of_three(5.5).as_deref(), of_three(5.6).as_deref()), (Some("true"), Some("false")));
    }

    #[test]
    fn a_page_of_a_list_tells_its_price_and_its_order() {
        let list = |total, is_sorted| Some(ListSeen { reports: 90, total, is_sorted });
        let found = |list| judge(&Observations { list, ..seen(&[("C1", 2.0)]) }).findings;
        let sorted = found(list(Some(7.0), true));
        assert_eq!(sorted[0].because, "a page of reports with region and times costs 2");
        assert_eq!((sorted[0].name, sorted[0].value.as_str()), ("list-price", "2"));
        assert_eq!(sorted[1].because, "90 reports in order of their start; total says 7");
        let unsorted = found(list(None, false));
        assert_eq!(unsorted[1].because, "90 reports in no order of their start; total says nothing");
    }

    #[test]
    fn kills_without_rows_or_a_single_one_tell_no_price_and_nothing_of_best() {
        let points = [("C4", 2.0), ("C5", 2.0)];
        for whole in
            [RanksSeen { kills: 2, ..RanksSeen::default() }, RanksSeen { kills: 1, rows: 20, ..RanksSeen::default() }]
        {
            let found = judge(&Observations { whole: Some(whole), ..seen(&points) });
            assert_eq!(value(&found, "price"), None);
            assert_eq!(value(&found, "best").is_some(), whole.rows > 0);
        }
    }

    #[test]
    fn the_other_answer_to_each_question_has_its_finding_too() {
        let rows = RanksSeen { rows: 20, healing: 20, ..RanksSeen::default() };
        let found = judge(&Observations {
            beyond_last_page: Some(String::new()),
            whole: Some(RanksSeen { with_best: 20, ..rows }),
            one_kill: Some(rows),
            healing: Some(rows),
            default_metric: Some("dps".into()),
            shown: Some(Shown::BestPercent),
            fresh: Some(RanksSeen { without_percent: 1, ..rows }),
            with_hidden: Some(rows),
            lfr: Some(RanksSeen::default()),
            old: Some("This report has been archived".into()),
            ..Observations::default()
        });
        let found: Vec<_> = found.findings.iter().map(|finding| (finding.name, finding.value.as_str())).collect();
        let expected = [
            ("page-cap", "none"),
            ("best", "always"),
            ("hps-rows", "healers"),
            ("ranked-within-two-hours", "true"),
            ("hidden-rows", "false"),
            ("lfr-ranked", "false"),
            ("archived", "true"),
            ("default-metric", "dps"),
            ("shown", "best-percent"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn kills_without_rows_tell_nothing_and_a_tenth_without_percentile_is_not_ranked() {
        let empty = Some(RanksSeen::default());
        let found =
            judge(&Observations { healing: empty, fresh: empty, with_hidden: empty, ..Observations::default() });
        assert!(found.findings.is_empty(), "{found:?}");
        let ranked = |without_percent| {
            let fresh = Some(RanksSeen { rows: 20, without_percent, ..RanksSeen::default() });
            value(&judge(&Observations { fresh, ..Observations::default() }), "ranked-within-two-hours")
        };
        assert_eq!((ranked(1).as_deref(), ranked(2).as_deref()), (Some("true"), Some("false")));
    }
}
