//! One report: its times, fights, characters and rankings, and what these cost.

use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::{Context, Error, Object, Result, SimpleObject};

use crate::behaviour::Price;
use crate::fault::Fault;
use crate::faults::Occasion;
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

/// Not recorded; clients look for the word "archived".
const ARCHIVED: &str = "This report has been archived.";

/// A report as it can be seen now.
pub(super) struct Report {
    at: u32,
    seen: Seen,
    /// Whether the point for the report itself is paid: the first rankings have it in their price, and so has a list.
    is_paid: AtomicBool,
}

impl Report {
    pub(super) fn of(scope: &Scope, at: u32) -> Option<Self> {
        let seen = scope.shared.reports.seen(scope.shared.reports.at(at), scope.now)?;
        Some(Self { at, seen, is_paid: AtomicBool::new(false) })
    }

    fn data<'s>(&self, scope: &'s Scope) -> &'s report::Report {
        scope.shared.reports.at(self.at)
    }

    pub(super) fn pay_root(&self) {
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
        let data = self.data(scope);
        scope.shared.recorder.details(data.id, self.seen.revision, data.region);
        let ranked = scope.shared.reports.ranked(world, data, self.seen);
        let characters = ranked.into_iter().filter_map(|index| Character::of(scope, &world.at(index)));
        Some(odd::crowd(&scope.shared.faults, characters.collect()).into_iter().map(Some).collect())
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
        let Shared { world, reports, behaviour, faults, edits, .. } = &*scope.shared;
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
        let desk = Desk { world, reports, behaviour, edits, now: scope.now };
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
        self.seen.revision + scope.shared.edits.report(&self.data(scope).code()).revisions
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
