//! Reports with everything in them, a page at a time: what discovery reads until it lists first and asks for details then.

use std::collections::BTreeSet;

use anyhow::Context;
use parsebook_core::ports::{ApiError, Clock, Report, Reports, ReportsWindow};
use parsebook_core::scrap::MAX_ID;
use parsebook_core::{RaidId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::WclApi;
use super::question::Question;
use super::reply::Body;
use super::transport::{Failure, OnTimeout};

/// Reports of one request; their characters and kills come with them.
const REPORTS_PER_PAGE: u32 = 25;
/// A report is listed by its start: one that began this long before the window may still have gone on in it.
const LONGEST_REPORT_HOURS: i64 = 12;

impl<C: Clock> Reports for WclApi<C> {
    async fn reports_page(&self, window: &ReportsWindow, page: u32) -> Result<(Vec<Report>, bool), ApiError> {
        let begun_after = window.since.map(|since| since - chrono::TimeDelta::hours(LONGEST_REPORT_HOURS));
        let question = question(window.raid, begun_after, window.until, page, REPORTS_PER_PAGE);
        let key = self.key_for(question.cost).await?;
        let (body, _) = self.ask(key, &question, OnTimeout::Retry).await.map_err(Failure::into_api_error)?;
        // A private report spoils only itself: the page counts as long as the list is there.
        Ok(reports(&body, window.since)?)
    }
}

/// One page of a raid's public reports with their characters and boss kills. Times are milliseconds since 1970.
fn question(raid: RaidId, begun_after: Option<Timestamp>, until: Timestamp, page: u32, limit: u32) -> Question {
    let start = begun_after.map_or(0, |time| time.timestamp_millis());
    let end = until.timestamp_millis();
    let fields = format!(
        "reports(zoneID: {raid}, startTime: {start}, endTime: {end}, page: {page}, limit: {limit}) \
         {{ has_more_pages data {{ endTime rankedCharacters {{ id hidden }} \
         fights(killType: Kills) {{ encounterID difficulty }} }} }}"
    );
    Question::new("reportData", &fields, 1.0 + 2.0 * f64::from(limit))
}

/// One page of reports, without those that ended before `since`; and whether it is the last. A report that cannot be
/// read is set aside alone.
fn reports(body: &Body, since: Option<Timestamp>) -> anyhow::Result<(Vec<Report>, bool)> {
    #[derive(Deserialize)]
    struct Page {
        has_more_pages: bool,
        data: Option<Vec<Value>>,
    }
    let page = body.data.pointer("/reportData/reports").filter(|page| !page.is_null());
    let page = page.with_context(|| body.first_error().unwrap_or_else(|| "no list of reports in the answer".into()))?;
    let page = Page::deserialize(page).context("list of reports")?;
    let since_millis = since.map_or(f64::MIN, |since| since.timestamp_millis() as f64);
    let mut reports = Vec::new();
    for report in page.data.iter().flatten().filter(|report| !report.is_null()) {
        match ReportAnswer::deserialize(report) {
            Ok(report) if report.end_time >= since_millis => reports.push(report.into()),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a report is set aside"),
        }
    }
    Ok((reports, !page.has_more_pages))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportAnswer {
    end_time: f64,
    ranked_characters: Option<Vec<Option<CharacterAnswer>>>,
    fights: Option<Vec<Option<FightAnswer>>>,
}

#[derive(Deserialize)]
struct CharacterAnswer {
    id: u32,
    #[serde(default)]
    hidden: Option<bool>,
}

#[derive(Deserialize)]
struct FightAnswer {
    #[serde(rename = "encounterID")]
    encounter_id: u32,
    difficulty: Option<u8>,
}

impl From<ReportAnswer> for Report {
    fn from(report: ReportAnswer) -> Self {
        let characters = report.ranked_characters.unwrap_or_default().into_iter().flatten();
        let fights = report.fights.unwrap_or_default().into_iter().flatten();
        Self {
            players: characters
                .filter(|character| character.hidden != Some(true) && (1..=MAX_ID).contains(&character.id))
                .map(|character| character.id)
                .collect(),
            kills: fights.filter_map(|fight| Some((fight.encounter_id, fight.difficulty?))).collect::<BTreeSet<_>>(),
        }
    }
}
