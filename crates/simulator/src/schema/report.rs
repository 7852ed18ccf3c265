//! `reportData`: reports by code, and the list of a raid's public reports.

use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::{Context, Error, Object, Result, SimpleObject};

use crate::behaviour::Price;
use crate::faults::{Fault, Occasion};
use crate::odd;
use crate::reports::fights::Fight;
use crate::reports::rankings::{self, Desk, Filter};
use crate::reports::report::{self, Seen};
use crate::state::Shared;
use crate::world::Metric;

use super::character::Character;
use super::enums::{KillType, RankingCompareType, RankingTimeframeType, ReportRankingMetricType, Spelled, lens};
use super::scalar::Json;
use super::scope::{Scope, scope};
use super::zone::{Region, Zone};

const PRIVATE: &str = "You do not have permission to view this report.";
const MISSING: &str = "This report does not exist.";
/// Not recorded; clients look for the word "archived".
const ARCHIVED: &str = "This report has been archived.";

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
        let edit = edits.of(&code);
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

/// A report as it can be seen now.
struct Report {
    at: u32,
    seen: Seen,
    /// Whether the point for the report itself is paid: the first rankings have it in their price, and so has a list.
    is_paid: AtomicBool,
}

impl Report {
    fn of(scope: &Scope, at: u32) -> Option<Self> {
        let seen = scope.shared.reports.seen(scope.shared.reports.at(at), scope.now)?;
        Some(Self { at, seen, is_paid: AtomicBool::new(false) })
    }

    fn data<'s>(&self, scope: &'s Scope) -> &'s report::Report {
        scope.shared.reports.at(self.at)
    }

    fn pay_root(&self) {
        self.is_paid.store(true, Ordering::Relaxed);
    }
}

#[Object]
impl Report {
    async fn archive_status(&self, ctx: &Context<'_>) -> Option<ReportArchiveStatus> {
        let is_archived = self.is_archived(scope(ctx));
        Some(ReportArchiveStatus { is_archived, is_accessible: !is_archived, archive_date: None })
    }

    async fn code(&self, ctx: &Context<'_>) -> String {
        self.data(scope(ctx)).code()
    }

    async fn end_time(&self, ctx: &Context<'_>) -> f64 {
        scope(ctx).shared.reports.unix_ms(self.seen.ended_s) as f64
    }

    async fn exported_segments(&self) -> i32 {
        self.seen.exported_segments
    }

    async fn fights(
        &self,
        ctx: &Context<'_>,
        difficulty: Option<i32>,
        #[graphql(name = "encounterID")] encounter_id: Option<i32>,
        #[graphql(name = "fightIDs")] fight_ids: Option<Vec<Option<i32>>>,
        kill_type: Option<KillType>,
        #[expect(unused, reason = "without effect here")] translate: Option<bool>,
    ) -> Result<Option<Vec<Option<ReportFight>>>> {
        let scope = scope(ctx);
        scope.spend(1.0);
        let fights = scope.shared.reports.fights(&scope.shared.world, self.data(scope), self.seen);
        let wanted = |fight: &Fight<'_>| {
            let of_type = match kill_type {
                None | Some(KillType::All) => true,
                Some(KillType::Encounters) => fight.encounter_id != 0,
                Some(KillType::Kills) => fight.kill == Some(true),
                Some(KillType::Trash) => fight.encounter_id == 0,
                Some(KillType::Wipes) => fight.kill == Some(false),
            };
            of_type
                && difficulty.is_none_or(|wanted| fight.difficulty.is_some_and(|have| i32::from(have) == wanted))
                && encounter_id.is_none_or(|wanted| fight.encounter_id == wanted)
                && fight_ids.as_ref().is_none_or(|ids| ids.contains(&Some(fight.id)))
        };
        Ok(Some(fights.into_iter().filter(wanted).map(|fight| Some(ReportFight::from(fight))).collect()))
    }

    async fn ranked_characters(&self, ctx: &Context<'_>) -> Option<Vec<Option<Character>>> {
        let scope = scope(ctx);
        scope.spend(1.0);
        let world = &scope.shared.world;
        let ranked = scope.shared.reports.ranked(world, self.data(scope), self.seen);
        Some(ranked.into_iter().map(|index| Some(Character::of(scope, &world.at(index)))).collect())
    }

    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn rankings(
        &self,
        ctx: &Context<'_>,
        compare: Option<RankingCompareType>,
        difficulty: Option<i32>,
        #[graphql(name = "encounterID")] encounter_id: Option<i32>,
        #[graphql(name = "fightIDs")] fight_ids: Option<Vec<Option<i32>>>,
        player_metric: Option<ReportRankingMetricType>,
        timeframe: Option<RankingTimeframeType>,
    ) -> Result<Option<Json>> {
        let scope = scope(ctx);
        let Shared { world, reports, behaviour, faults, .. } = &*scope.shared;
        if self.is_archived(scope) || faults.strikes(Fault::ReportArchived, Occasion::default()) {
            return Err(Error::new(ARCHIVED));
        }
        let ids: Option<Vec<i32>> = fight_ids.map(|ids| ids.into_iter().flatten().collect());
        let metric = match player_metric.map_or("default", ReportRankingMetricType::text) {
            // Healers have their damage ranked, too, unless something else is asked for.
            "default" => Some(Metric::Dps),
            name => Metric::parse(name),
        };
        let filter = Filter {
            difficulty,
            encounter: encounter_id,
            fights: ids.as_deref(),
            metric,
            lens: lens(behaviour, compare, timeframe),
        };
        let desk = Desk { world, reports, behaviour, now: scope.now };
        let kills = rankings::kills(&desk, self.data(scope), self.seen, &filter);
        self.pay_rankings(scope, kills.len());
        let text = rankings::write(&desk, self.data(scope), &kills, &filter);
        Ok(Some(Json(odd::report_rankings(faults, text))))
    }

    async fn region(&self, ctx: &Context<'_>) -> Option<Region> {
        Some(Region::of(self.data(scope(ctx)).region))
    }

    async fn revision(&self, ctx: &Context<'_>) -> i32 {
        let scope = scope(ctx);
        self.seen.revision + scope.shared.edits.of(&self.data(scope).code()).revisions
    }

    async fn segments(&self) -> i32 {
        self.seen.segments
    }

    async fn start_time(&self, ctx: &Context<'_>) -> f64 {
        let scope = scope(ctx);
        scope.shared.reports.unix_ms(self.data(scope).started_s) as f64
    }

    async fn visibility(&self) -> &str {
        "public"
    }

    async fn zone(&self, ctx: &Context<'_>) -> Option<Zone> {
        let scope = scope(ctx);
        let raid = scope.shared.world.raids().get(usize::from(self.data(scope).tag));
        raid.map(|raid| Zone::of(raid, &scope.shared.behaviour))
    }
}

impl Report {
    fn is_archived(&self, scope: &Scope) -> bool {
        let ended_ms = scope.shared.reports.unix_ms(self.seen.ended_s);
        let age_days = (scope.now.timestamp_millis() - ended_ms) / 86_400_000;
        scope.shared.behaviour.archived_after_days.is_some_and(|days| age_days >= days)
    }

    /// 2 points for the field or for each of its kills. The first one has the report's own point in it.
    fn pay_rankings(&self, scope: &Scope, kills: usize) {
        let units = match scope.shared.behaviour.price {
            Price::Flat => 1,
            Price::PerKill => kills.max(1),
        };
        let own = if self.is_paid.swap(true, Ordering::Relaxed) { 0.0 } else { 1.0 };
        let is_further = scope.tally.rankings.fetch_add(1, Ordering::Relaxed) > 0;
        let saved = if is_further && scope.shared.behaviour.alias_discount { 1.0 } else { 0.0 };
        scope.spend(2.0 * units as f64 - own - saved);
    }
}

#[derive(SimpleObject)]
struct ReportArchiveStatus {
    is_archived: bool,
    is_accessible: bool,
    archive_date: Option<i32>,
}

#[derive(SimpleObject)]
struct ReportFight {
    boss_percentage: Option<f64>,
    complete_raid: bool,
    difficulty: Option<i32>,
    #[graphql(name = "encounterID")]
    encounter_id: i32,
    end_time: f64,
    fight_percentage: Option<f64>,
    id: i32,
    in_progress: Option<bool>,
    kill: Option<bool>,
    name: String,
    size: Option<i32>,
    start_time: f64,
}

impl From<Fight<'_>> for ReportFight {
    fn from(fight: Fight<'_>) -> Self {
        let percentage = fight.kill.map(|kill| if kill { 0.01 } else { 34.5 });
        Self {
            boss_percentage: percentage,
            complete_raid: false,
            difficulty: fight.difficulty.map(i32::from),
            encounter_id: fight.encounter_id,
            end_time: fight.end_ms as f64,
            fight_percentage: percentage,
            id: fight.id,
            in_progress: Some(false),
            kill: fight.kill,
            name: fight.name.to_owned(),
            size: fight.size,
            start_time: fight.start_ms as f64,
        }
    }
}
