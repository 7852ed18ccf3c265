//! Lists of reports.

use anyhow::anyhow;
use parsebook_core::ports::{ApiError, Clock, ReportLists};
use parsebook_core::report::{
    DetailOutcome, LAST_LIST_PAGE, ListPage, ListedReport, REPORTS_PER_PAGE, REPORTS_PER_REQUEST, Window, is_code,
};
use serde_json::Value;

use super::super::failure::{Failure, OnTimeout};
use super::super::question::Question;
use super::super::reply::Body;
use super::super::{WclApi, json};
use super::{Skipped, details, lookup};
use crate::text::excerpt;

impl<C: Clock> ReportLists for WclApi<C> {
    async fn list(&self, window: &Window, page: u32) -> Result<ListPage, ApiError> {
        if !(1..=LAST_LIST_PAGE).contains(&page) {
            return Err(ApiError::Failed(anyhow!("page {page} of a list of reports: there are 1 to {LAST_LIST_PAGE}")));
        }
        let question = question(window, page);
        let key = self.key_for(question.cost).await?;
        let (body, _) = self.ask(key, &question, OnTimeout::Retry).await.map_err(Failure::into_api_error)?;
        let mut list = answer(&body).map_err(|error| {
            let said = self.guard.withhold(error);
            ApiError::Failed(anyhow!("reports of raid {}, page {page}: {said}", window.raid))
        })?;
        self.guard.withhold_from(&mut list.skipped);
        Ok(list)
    }

    async fn details(&self, codes: &[String]) -> Result<Vec<(String, DetailOutcome)>, ApiError> {
        let (codes, malformed) = lookup::well_formed(codes);
        let mut details = details::Details::default();
        details.outcomes.extend(malformed.into_iter().map(|(code, why)| (code, DetailOutcome::Failed(why))));
        for some in codes.chunks(REPORTS_PER_REQUEST) {
            let key = self.key_for(details::cost(some.len())).await?;
            self.ask_in_pieces(key, some, &mut details).await?;
        }
        for (_, outcome) in &mut details.outcomes {
            let lines = match outcome {
                DetailOutcome::Failed(reason) => std::slice::from_mut(reason),
                DetailOutcome::Read(details) => &mut details.skipped,
                DetailOutcome::Gone(_) => &mut [],
            };
            self.guard.withhold_from(lines);
        }
        Ok(details.outcomes)
    }
}

fn question(window: &Window, page: u32) -> Question {
    let Window { raid, from, to } = window;
    let fields = format!(
        "reports(zoneID: {raid}, startTime: {}, endTime: {}, page: {page}, limit: {REPORTS_PER_PAGE}) {{ has_more_pages \
         data {{ code startTime endTime revision visibility region {{ compactName }} }} }}",
        from.timestamp_millis(),
        to.timestamp_millis(),
    );
    Question::new("reportData", &fields, 1.0)
}

fn answer(body: &Body) -> Result<ListPage, String> {
    let no_list = |what: &str| body.first_error().map_or_else(|| what.to_owned(), |error| excerpt(&error));
    let list = body.part("reportData", "reports").filter(|list| list.is_object());
    let list = list.ok_or_else(|| no_list("no list in the answer"))?;
    let reports = list.get("data").and_then(Value::as_array).ok_or_else(|| no_list("no list in the answer"))?;
    let has_more = list.get("has_more_pages").and_then(Value::as_bool).ok_or("no has_more_pages in the answer")?;
    let mut read = Vec::new();
    let mut skipped = Skipped::default();
    for report in reports {
        match listed(report) {
            Ok(report) => read.push(report),
            Err(reason) => skipped.push(reason),
        }
    }
    if let Some(reason) = skipped.nothing_understood(read.len()) {
        return Err(format!("none of {} reports can be understood: {reason}", reports.len()));
    }
    let reports = read.into_iter().flatten().collect();
    Ok(ListPage { reports, skipped: skipped.into_lines(), has_more })
}

/// A report of a list; `None` for one that is not public.
fn listed(report: &Value) -> Result<Option<ListedReport>, String> {
    let code = report.get("code").and_then(Value::as_str).filter(|code| is_code(code));
    let code = code.ok_or_else(|| format!("a report with code {}", json::told_field(report, "/code")))?;
    let odd = |field: &str| format!("report {code}: {field} {}", json::told_field(report, &format!("/{field}")));
    if report.get("visibility").and_then(Value::as_str).is_some_and(|visibility| visibility != "public") {
        return Ok(None);
    }
    let time = |field: &str| {
        let millis = report.get(field).and_then(json::number);
        millis.and_then(json::time).ok_or_else(|| odd(field))
    };
    Ok(Some(ListedReport {
        code: code.to_owned(),
        revision: report.get("revision").and_then(json::whole).ok_or_else(|| odd("revision"))?,
        region: json::text(report, "/region/compactName").map(str::to_uppercase),
        start: time("startTime")?,
        end: time("endTime")?,
    }))
}

#[cfg(test)]
mod tests {
    use parsebook_core::Timestamp;
    use serde_json::json;

    use super::*;

    fn report(code: &str) -> Value {
        json!({
            "code": code, "startTime": 1_790_000_000_000_u64, "endTime": "1790000002000", "revision": 3,
            "visibility": "public", "region": {"compactName": "eu"},
        })
    }

    fn list(reports: &[Value]) -> Result<ListPage, String> {
        let page = json!({"has_more_pages": true, "total": -1, "last_page": -1, "data": reports});
        answer(&Body { data: json!({"reportData": {"reports": page}}), ..Body::default() })
    }

    #[test]
    fn the_window_and_the_page_are_asked_for() {
        let at = |millis| Timestamp::from_timestamp_millis(millis).unwrap();
        let query = question(&Window { raid: 44, from: at(-5), to: at(7) }, 25).query;
        assert!(query.contains("zoneID: 44, startTime: -5, endTime: 7, page: 25, limit: 100"), "{query}");
    }

    #[test]
    fn what_is_odd_is_skipped_by_name() {
        let mut private = report("hidden1");
        private["visibility"] = json!("private");
        let mut timeless = report("cccc");
        timeless["startTime"] = Value::Null;
        let mut endless = report("dddd");
        endless["endTime"] = json!(8_210_266_876_799_000_u64);
        let page = list(&[report("aBcD1234"), private, timeless, endless, report("a\") { x }"), Value::Null]).unwrap();
        assert!(page.has_more);
        let [read] = page.reports.as_slice() else { panic!("{page:?}") };
        assert_eq!((read.code.as_str(), read.revision), ("aBcD1234", 3));
        assert_eq!((read.region.as_deref(), read.end.timestamp_millis()), (Some("EU"), 1_790_000_002_000));
        let named = [
            "report cccc: startTime null",
            "report dddd: endTime 8210266876799000",
            "a report with code \"a\\\") { x }\"",
            "a report with code missing",
        ];
        assert_eq!(page.skipped, named);
    }

    #[test]
    fn a_page_of_nothing_but_oddities_is_a_failure() {
        let error = list(&[json!({"id": 1}), json!({"id": 2})]).unwrap_err();
        assert!(error.contains("none of 2 reports"), "{error}");
        assert!(list(&[]).unwrap().reports.is_empty());
    }

    #[test]
    fn the_reason_for_no_list_is_passed_on() {
        let sentence = "The maximum allowed page is 25 until the performance of paginated queries can be improved.";
        let body = Body {
            data: json!({"reportData": {"reports": null}}),
            errors: vec![json!({"message": sentence, "path": ["reportData", "reports"]})],
            ..Body::default()
        };
        assert_eq!(answer(&body), Err(sentence.to_owned()));
    }
}
