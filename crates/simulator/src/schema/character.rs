//! `characterData`: looking characters up and answering their rankings.

use std::sync::atomic::Ordering;

use async_graphql::{Context, Error, Object, Result};

use crate::edits::CharacterEdit;
use crate::fault::Fault;
use crate::faults::Occasion;
use crate::state::Shared;
use crate::world::Player;
use crate::{encounter_rankings, odd, zone_rankings};

use super::enums::{CharacterPageRankingMetricType, CharacterRankingMetricType, RankingCompareType};
use super::enums::{RankingTimeframeType, RoleType, Spelled, lens};
use super::scalar::{self, Json};
use super::scope::{Scope, scope};
use super::zone::Server;

/// What the API says instead of the rankings of somebody who hides them.
const NO_PERMISSION: &str = "You do not have permission to see this character's rankings.";

pub(super) struct CharacterData;

#[Object]
impl CharacterData {
    /// One character by its id.
    async fn character(
        &self,
        ctx: &Context<'_>,
        id: Option<i32>,
        #[expect(unused, reason = "nobody is looked up by name here")] name: Option<String>,
        #[expect(unused, reason = "as above")] server_slug: Option<String>,
        #[expect(unused, reason = "as above")] server_region: Option<String>,
    ) -> Result<Option<Character>> {
        let scope = scope(ctx);
        scope.spend(1.0);
        scope.tally.characters.fetch_add(1, Ordering::Relaxed);
        let id = id.ok_or_else(|| Error::new("You must specify an id here."))?;
        let found = scope.shared.world.player(id);
        let Some(player) = found else {
            return Ok(None);
        };
        let strikes = |fault| scope.shared.faults.strikes(fault, occasion(&player));
        if strikes(Fault::AliasError) {
            return Err(Error::new("Internal server error"));
        }
        if strikes(Fault::CharacterMissing) {
            return Ok(None);
        }
        if strikes(Fault::PoisonedBody) {
            scope.tally.poisoned.store(true, Ordering::Relaxed);
        }
        Ok(Character::of(scope, &player))
    }
}

fn occasion(player: &Player<'_>) -> Occasion {
    Occasion { id: Some(player.id()), ..Occasion::default() }
}

/// A character found; the world's word about it may be overruled by a fault or by what happened to it since.
#[derive(Clone)]
pub(super) struct Character {
    id: i32,
    hidden: bool,
    class_id: u8,
    edit: CharacterEdit,
}

impl Character {
    /// Nothing when the character is gone.
    pub(super) fn of(scope: &Scope, player: &Player<'_>) -> Option<Self> {
        let strikes = |fault| scope.shared.faults.strikes(fault, occasion(player));
        let edit = scope.shared.edits.character(player.id());
        let class_id = if strikes(Fault::CharacterNoClass) { 0 } else { player.class_id() };
        let hidden = player.is_hidden() || edit.is_hidden || strikes(Fault::CharacterHidden);
        (!edit.is_gone).then_some(Self { id: player.id(), hidden, class_id, edit })
    }

    fn player<'s>(&self, scope: &'s Scope) -> Result<Player<'s>> {
        scope.shared.world.player(self.id).ok_or_else(|| Error::new("Internal server error"))
    }

    /// What stands in the way of any rankings: a poisoned body, a permission, a fault.
    fn obstacle(&self, scope: &Scope) -> Option<Option<Json>> {
        let occasion = Occasion { id: Some(self.id), ..Occasion::default() };
        if self.class_id == 0 {
            scope.tally.poisoned.store(true, Ordering::Relaxed);
            return Some(None);
        }
        if self.hidden {
            return Some(Some(scalar::error(NO_PERMISSION)));
        }
        scope.shared.faults.strikes(Fault::RankingsNull, occasion).then_some(None)
    }
}

#[Object]
impl Character {
    #[graphql(name = "canonicalID")]
    async fn canonical_id(&self) -> i32 {
        self.edit.canonical_id.unwrap_or(self.id)
    }

    #[graphql(name = "classID")]
    async fn class_id(&self) -> i32 {
        self.class_id.into()
    }

    #[graphql(name = "encounterRankings")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn encounter_rankings(
        &self,
        ctx: &Context<'_>,
        #[expect(unused, reason = "without effect here")] by_bracket: Option<bool>,
        #[expect(unused, reason = "without effect here")] class_name: Option<String>,
        compare: Option<RankingCompareType>,
        difficulty: Option<i32>,
        #[graphql(name = "encounterID")] encounter_id: Option<i32>,
        #[expect(unused, reason = "without effect here")] include_combatant_info: Option<bool>,
        #[expect(unused, reason = "without effect here")] include_other_players: Option<bool>,
        #[expect(unused, reason = "without effect here")] include_historical_graph: Option<bool>,
        #[expect(unused, reason = "without effect here")] include_private_logs: Option<bool>,
        metric: Option<CharacterRankingMetricType>,
        partition: Option<i32>,
        role: Option<RoleType>,
        #[expect(unused, reason = "without effect here")] size: Option<i32>,
        #[expect(unused, reason = "without effect here")] spec_name: Option<String>,
        timeframe: Option<RankingTimeframeType>,
    ) -> Result<Option<Json>> {
        let scope = scope(ctx);
        scope.spend(1.0);
        if let Some(instead) = self.obstacle(scope) {
            return Ok(instead);
        }
        let Shared { world, reports, behaviour, .. } = &*scope.shared;
        let request = encounter_rankings::Request {
            encounter: encounter_id.unwrap_or(0),
            difficulty: difficulty.unwrap_or(5),
            metric: metric.map(CharacterRankingMetricType::text),
            partition,
            role: role.and_then(RoleType::role),
            lens: lens(behaviour, compare, timeframe),
        };
        let player = self.player(scope)?;
        let found = encounter_rankings::answer(world, reports, behaviour, scope.now, player, &request);
        Ok(Some(found.map_or_else(|| scalar::error("Invalid encounter specified."), |found| Json(found.to_string()))))
    }

    async fn hidden(&self) -> bool {
        self.hidden
    }

    async fn id(&self) -> i32 {
        self.id
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        let player = self.player(scope(ctx))?;
        Ok(self.edit.name.clone().unwrap_or_else(|| player.name().to_owned()))
    }

    async fn server(&self, ctx: &Context<'_>) -> Result<Server> {
        let player = self.player(scope(ctx))?;
        Ok(Server::of(self.edit.realm.as_ref().unwrap_or_else(|| player.realm())))
    }

    #[graphql(name = "zoneRankings")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn zone_rankings(
        &self,
        ctx: &Context<'_>,
        #[expect(unused, reason = "without effect here")] by_bracket: Option<bool>,
        class_name: Option<String>,
        compare: Option<RankingCompareType>,
        difficulty: Option<i32>,
        #[expect(unused, reason = "without effect here")] include_private_logs: Option<bool>,
        metric: Option<CharacterPageRankingMetricType>,
        partition: Option<i32>,
        role: Option<RoleType>,
        size: Option<i32>,
        spec_name: Option<String>,
        timeframe: Option<RankingTimeframeType>,
        #[graphql(name = "zoneID")] zone_id: Option<i32>,
    ) -> Result<Option<Json>> {
        let scope = scope(ctx);
        scope.spend(5.0);
        scope.tally.zone_rankings.fetch_add(1, Ordering::Relaxed);
        if let Some(instead) = self.obstacle(scope) {
            return Ok(instead);
        }
        let Shared { world, reports, behaviour, faults, .. } = &*scope.shared;
        let occasion = Occasion { id: Some(self.id), ..Occasion::default() };
        let request = zone_rankings::Request {
            difficulty,
            metric: metric.map(CharacterPageRankingMetricType::text),
            partition,
            size,
            zone_id,
            class_name: class_name.as_deref(),
            spec_name: spec_name.as_deref(),
            role: role.and_then(RoleType::role),
            lens: lens(behaviour, compare, timeframe),
            is_unlocked: faults.strikes(Fault::RankingsNotLocked, occasion),
        };
        let answer = zone_rankings::answer(world, reports, behaviour, scope.now, self.player(scope)?, &request);
        Ok(Some(Json(odd::zone_rankings(faults, occasion, &answer))))
    }
}
