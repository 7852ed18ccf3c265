//! `reportData`: reports by code, and the list of a raid's public reports.

use std::sync::atomic::Ordering;

use async_graphql::{Context, Error, Object, Result, SimpleObject};

use crate::fault::Fault;
use crate::faults::Occasion;
use crate::state::Shared;

use super::report::Report;
use super::scope::scope;

const PRIVATE: &str = "You do not have permission to view this report.";
const MISSING: &str = "This report does not exist.";

pub(super) struct ReportData;

#[Object]
impl ReportData {
    /// One report by its code.
    async fn report(
        &self,
        ctx: &Context<'_>,
        code: Option<String>,
        #[expect(unused, reason = "no report is unlisted here")] allow_unlisted: Option<bool>,
    ) -> Result<Option<Report>> {
        let scope = scope(ctx);
        scope.tally.reports.fetch_add(1, Ordering::Relaxed);
        let code = code.ok_or_else(|| Error::new("You must specify a report code."))?;
        scope.spend(1.0);
        let Shared { reports, faults, edits, .. } = &*scope.shared;
        let edit = edits.report(&code);
        let strikes = |fault| faults.strikes(fault, Occasion::default());
        if strikes(Fault::ReportPrivate) || edit.is_private || reports.private_codes().contains(&code) {
            return Err(Error::new(PRIVATE));
        }
        let is_gone = strikes(Fault::ReportMissing) || edit.is_deleted;
        let found = reports.find(&code).filter(|_| !is_gone).and_then(|at| Report::of(scope, at));
        found.map(Some).ok_or_else(|| Error::new(MISSING))
    }

    /// Public reports in an order of their own; `startTime` and `endTime` bound their start. Guild and user filters find
    /// nothing. No page beyond the cap is given, and how many there are is not told.
    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn reports(
        &self,
        ctx: &Context<'_>,
        end_time: Option<f64>,
        #[graphql(name = "guildID")] guild_id: Option<i32>,
        guild_name: Option<String>,
        #[expect(unused, reason = "no guilds here")] guild_server_slug: Option<String>,
        #[expect(unused, reason = "no guilds here")] guild_server_region: Option<String>,
        #[graphql(name = "guildTagID")] guild_tag_id: Option<i32>,
        #[graphql(name = "userID")] user_id: Option<i32>,
        limit: Option<i32>,
        page: Option<i32>,
        start_time: Option<f64>,
        #[graphql(name = "zoneID")] zone_id: Option<i32>,
        #[graphql(name = "gameZoneID")] game_zone_id: Option<i32>,
    ) -> Result<Option<ReportPagination>> {
        let scope = scope(ctx);
        let Shared { world, reports, behaviour, edits, .. } = &*scope.shared;
        scope.spend(behaviour.list_price);
        let limit = limit.unwrap_or(100);
        if !(1..=100).contains(&limit) {
            return Err(Error::new("The limit must be between 1 and 100."));
        }
        let page = page.unwrap_or(1).max(1);
        if page > behaviour.page_cap {
            return Err(Error::new(format!(
                "The maximum allowed page is {} until the performance of paginated queries can be improved.",
                behaviour.page_cap
            )));
        }
        let is_foreign = guild_id.is_some()
            || guild_name.is_some()
            || guild_tag_id.is_some()
            || user_id.is_some()
            || game_zone_id.is_some();
        let tag = zone_id.map(|id| world.raid_index(id));
        let bounds = (start_time.unwrap_or(f64::MIN), end_time.unwrap_or(f64::MAX));
        let mut all = if is_foreign { Vec::new() } else { reports.list(bounds.0, bounds.1, tag, scope.now) };
        edits.leave_out_hidden(&mut all, |at| reports.at(at).code());
        let start = (page as usize - 1) * limit as usize;
        let shown = all.iter().skip(start).take(limit as usize);
        let data: Vec<Option<Report>> = shown.filter_map(|&at| Report::of(scope, at)).map(Some).collect();
        data.iter().flatten().for_each(Report::pay_root);
        scope.tally.reports.fetch_add(data.len() as u32, Ordering::Relaxed);
        let count = data.len() as i32;
        Ok(Some(ReportPagination {
            total: -1,
            per_page: limit,
            current_page: page,
            from: (count > 0).then_some(start as i32 + 1),
            to: (count > 0).then_some(start as i32 + count),
            last_page: -1,
            has_more_pages: all.len() > start + data.len(),
            data: Some(data),
        }))
    }
}

#[derive(SimpleObject)]
struct ReportPagination {
    data: Option<Vec<Option<Report>>>,
    total: i32,
    #[graphql(name = "per_page")]
    per_page: i32,
    #[graphql(name = "current_page")]
    current_page: i32,
    from: Option<i32>,
    to: Option<i32>,
    #[graphql(name = "last_page")]
    last_page: i32,
    #[graphql(name = "has_more_pages")]
    has_more_pages: bool,
}
