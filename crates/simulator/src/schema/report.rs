//! `reportData`: reports by code, and the list of a raid's public reports.

use std::sync::atomic::Ordering;

use async_graphql::{Context, Error, Object, Result, SimpleObject};

use crate::faults::{Fault, Occasion};
use crate::reports::{self, Filter};

use super::character::Character;
use super::enums::{KillType, RankingCompareType, RankingTimeframeType, ReportRankingMetricType, Spelled};
use super::scalar::Json;
use super::scope::{Scope, scope};
use super::zone::{Region, Zone};

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
        scope.spend(1);
        scope.tally.reports.fetch_add(1, Ordering::Relaxed);
        let code = code.ok_or_else(|| Error::new("You must specify a report code."))?;
        let reports = &scope.shared.reports;
        if scope.shared.faults.strikes(Fault::ReportPrivate, Occasion::default())
            || reports.private_codes().contains(&code)
        {
            return Err(Error::new(PRIVATE));
        }
        let missing = scope.shared.faults.strikes(Fault::ReportMissing, Occasion::default());
        match reports.find(&code).filter(|_| !missing) {
            Some(_) => Ok(Some(Report(code))),
            None => Err(Error::new(MISSING)),
        }
    }

    /// Public reports, newest first; `startTime` and `endTime` bound their start. Guild and user filters find nothing.
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
        scope.spend(1);
        let limit = limit.unwrap_or(100);
        if !(1..=100).contains(&limit) {
            return Err(Error::new("The limit must be between 1 and 100."));
        }
        let page = page.unwrap_or(1).max(1);
        let foreign = guild_id.is_some()
            || guild_name.is_some()
            || guild_tag_id.is_some()
            || user_id.is_some()
            || game_zone_id.is_some();
        let world = &scope.shared.world;
        let tag = zone_id.map(|id| world.raid_index(id));
        let wanted = |report: &&reports::Report| {
            let started_at = report.started_at_ms as f64;
            !foreign
                && tag.is_none_or(|tag| tag == Some(report.tag))
                && start_time.is_none_or(|start| started_at >= start)
                && end_time.is_none_or(|end| started_at <= end)
        };
        let all: Vec<&reports::Report> = scope.shared.reports.list().iter().filter(wanted).collect();
        let start = (page as usize - 1) * limit as usize;
        let shown: Vec<_> =
            all.iter().skip(start).take(limit as usize).map(|report| Some(Report(report.code.clone()))).collect();
        scope.tally.reports.fetch_add(shown.len() as u32, Ordering::Relaxed);
        let total = all.len() as i32;
        let (count, last_page) = (shown.len() as i32, (total - 1).max(0) / limit + 1);
        Ok(Some(ReportPagination {
            data: Some(shown),
            total,
            per_page: limit,
            current_page: page,
            from: (count > 0).then_some(start as i32 + 1),
            to: (count > 0).then_some(start as i32 + count),
            last_page,
            has_more_pages: page < last_page,
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

/// A report, by code.
struct Report(String);

impl Report {
    fn data<'s>(&self, scope: &'s Scope) -> Result<&'s reports::Report> {
        scope.shared.reports.find(&self.0).ok_or_else(|| Error::new(MISSING))
    }
}

#[Object]
impl Report {
    async fn code(&self) -> &str {
        &self.0
    }

    async fn end_time(&self, ctx: &Context<'_>) -> Result<f64> {
        Ok(self.data(scope(ctx))?.ended_at_ms as f64)
    }

    async fn exported_segments(&self) -> i32 {
        1
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
        scope.spend(1);
        let fights = scope.shared.reports.fights(&scope.shared.world, self.data(scope)?);
        let wanted = |fight: &reports::Fight| {
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

    async fn ranked_characters(&self, ctx: &Context<'_>) -> Result<Option<Vec<Option<Character>>>> {
        let scope = scope(ctx);
        scope.spend(1);
        let world = &scope.shared.world;
        let ranked = scope.shared.reports.ranked(self.data(scope)?);
        Ok(Some(ranked.into_iter().map(|index| Some(Character::of(scope, &world.at(index)))).collect()))
    }

    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn rankings(
        &self,
        ctx: &Context<'_>,
        #[expect(unused, reason = "without effect here")] compare: Option<RankingCompareType>,
        difficulty: Option<i32>,
        #[graphql(name = "encounterID")] encounter_id: Option<i32>,
        #[graphql(name = "fightIDs")] fight_ids: Option<Vec<Option<i32>>>,
        player_metric: Option<ReportRankingMetricType>,
        #[expect(unused, reason = "without effect here")] timeframe: Option<RankingTimeframeType>,
    ) -> Result<Option<Json>> {
        let scope = scope(ctx);
        scope.spend(2);
        let ids: Option<Vec<i32>> = fight_ids.map(|ids| ids.into_iter().flatten().collect());
        let filter = Filter {
            difficulty,
            encounter: encounter_id,
            fights: ids.as_deref(),
            metric: player_metric.map(ReportRankingMetricType::text),
        };
        let shared = &scope.shared;
        Ok(Some(Json(reports::write_rankings(&shared.world, &shared.reports, self.data(scope)?, &filter))))
    }

    async fn region(&self, ctx: &Context<'_>) -> Result<Option<Region>> {
        Ok(Some(Region::of(self.data(scope(ctx))?.region)))
    }

    async fn revision(&self) -> i32 {
        1
    }

    async fn segments(&self) -> i32 {
        1
    }

    async fn start_time(&self, ctx: &Context<'_>) -> Result<f64> {
        Ok(self.data(scope(ctx))?.started_at_ms as f64)
    }

    async fn visibility(&self) -> &str {
        "public"
    }

    async fn zone(&self, ctx: &Context<'_>) -> Result<Option<Zone>> {
        let scope = scope(ctx);
        Ok(scope.shared.world.raids().get(usize::from(self.data(scope)?.tag)).map(Zone::of))
    }
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

impl From<reports::Fight> for ReportFight {
    fn from(fight: reports::Fight) -> Self {
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
            name: fight.name,
            size: fight.size,
            start_time: fight.start_ms as f64,
        }
    }
}
