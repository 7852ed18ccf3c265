//! `worldData`: raids, bosses, realms and regions.

use async_graphql::{Context, Error, Object, Result, SimpleObject};

use crate::encounter_rankings;
use crate::world::{self, Raid, Realm};

use super::enums::{
    CharacterRankingMetricType, ExternalBuffRankFilter, HardModeLevelRankFilter, LeaderboardRank, Spelled,
};
use super::scalar::{self, Json};
use super::{Scope, scope};

pub(super) struct WorldData;

#[Object]
impl WorldData {
    async fn encounter(&self, ctx: &Context<'_>, id: Option<i32>) -> Option<Encounter> {
        let scope = scope(ctx);
        scope.spend(1);
        let id = id?;
        scope.shared.world.raids().iter().enumerate().find_map(|(raid, data)| {
            let encounter = data.encounters.iter().position(|encounter| encounter.id == id)?;
            Some(Encounter { raid, encounter })
        })
    }

    async fn zone(&self, ctx: &Context<'_>, id: Option<i32>) -> Option<Zone> {
        let scope = scope(ctx);
        scope.spend(1);
        let index = scope.shared.world.raid_index(id?)?;
        Some(Zone(index.into()))
    }

    /// All zones, newest first.
    #[graphql(name = "zones")]
    async fn zones(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "expansion_id")] expansion_id: Option<i32>,
    ) -> Option<Vec<Option<Zone>>> {
        let scope = scope(ctx);
        // Measured 2.00 (facts B.5).
        scope.spend(2);
        let raids = scope.shared.world.raids();
        let mut indices: Vec<usize> =
            (0..raids.len()).filter(|&at| expansion_id.is_none_or(|id| expansion(&raids[at]).id == id)).collect();
        indices.sort_by_key(|&at| std::cmp::Reverse(raids[at].id));
        Some(indices.into_iter().map(|at| Some(Zone(at))).collect())
    }
}

/// A raid, by index.
pub(super) struct Zone(pub usize);

impl Zone {
    fn raid<'s>(&self, scope: &'s Scope) -> Result<&'s Raid> {
        scope.shared.world.raids().get(self.0).ok_or_else(|| Error::new("Internal server error"))
    }
}

#[Object]
impl Zone {
    async fn id(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.raid(scope(ctx))?.id)
    }

    async fn brackets(&self) -> Option<Bracket> {
        Some(Bracket { min: 380.0, max: 440.0, bucket: 3.0, type_: Some("Item Level") })
    }

    /// Hardest first; Mythic alone has a fixed size.
    async fn difficulties(&self) -> Option<Vec<Option<Difficulty>>> {
        let difficulty = |id, name, sizes: &[i32]| {
            Some(Difficulty { id, name, sizes: Some(sizes.iter().copied().map(Some).collect()) })
        };
        Some(vec![
            difficulty(5, "Mythic", &[20]),
            difficulty(4, "Heroic", &[]),
            difficulty(3, "Normal", &[]),
            difficulty(1, "LFR", &[]),
        ])
    }

    async fn encounters(&self, ctx: &Context<'_>) -> Result<Option<Vec<Option<Encounter>>>> {
        let count = self.raid(scope(ctx))?.encounters.len();
        Ok(Some((0..count).map(|encounter| Some(Encounter { raid: self.0, encounter })).collect()))
    }

    async fn expansion(&self, ctx: &Context<'_>) -> Result<Expansion> {
        Ok(expansion(self.raid(scope(ctx))?))
    }

    async fn frozen(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.raid(scope(ctx))?.frozen)
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.raid(scope(ctx))?.name.clone())
    }

    /// Every partition up to the current one, which is the default.
    async fn partitions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Option<Partition>>>> {
        let current = self.raid(scope(ctx))?.partition;
        let partition =
            |id| Partition { id, name: format!("Season {id}"), compact_name: format!("S{id}"), default: id == current };
        Ok(Some((1.min(current)..=current).map(partition).map(Some).collect()))
    }
}

#[derive(SimpleObject)]
struct Bracket {
    min: f64,
    max: f64,
    bucket: f64,
    #[graphql(name = "type")]
    type_: Option<&'static str>,
}

#[derive(SimpleObject)]
struct Difficulty {
    id: i32,
    name: &'static str,
    sizes: Option<Vec<Option<i32>>>,
}

#[derive(SimpleObject)]
struct Partition {
    id: i32,
    name: String,
    compact_name: String,
    default: bool,
}

#[derive(SimpleObject)]
struct Expansion {
    id: i32,
    name: &'static str,
}

/// Expansions by zone id (facts C).
fn expansion(raid: &Raid) -> Expansion {
    let (id, name) = match raid.id {
        ..=25 => (3, "Battle for Azeroth"),
        26..=30 => (4, "Shadowlands"),
        31..=37 => (5, "Dragonflight"),
        38..=45 => (6, "The War Within"),
        _ => (7, "Midnight"),
    };
    Expansion { id, name }
}

/// A boss, by indices.
pub(super) struct Encounter {
    raid: usize,
    encounter: usize,
}

impl Encounter {
    fn data<'s>(&self, scope: &'s Scope) -> Result<&'s world::Encounter> {
        let raid = scope.shared.world.raids().get(self.raid);
        raid.and_then(|raid| raid.encounters.get(self.encounter)).ok_or_else(|| Error::new("Internal server error"))
    }
}

#[Object]
impl Encounter {
    async fn id(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.data(scope(ctx))?.id)
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.data(scope(ctx))?.name.clone())
    }

    async fn zone(&self) -> Zone {
        Zone(self.raid)
    }

    #[graphql(name = "characterRankings")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are WCL's")]
    async fn character_rankings(
        &self,
        ctx: &Context<'_>,
        #[expect(unused, reason = "without effect here")] bracket: Option<i32>,
        difficulty: Option<i32>,
        #[expect(unused, reason = "without effect here")] filter: Option<String>,
        page: Option<i32>,
        partition: Option<i32>,
        server_region: Option<String>,
        server_slug: Option<String>,
        size: Option<i32>,
        #[expect(unused, reason = "without effect here")] leaderboard: Option<LeaderboardRank>,
        #[expect(unused, reason = "without effect here")] hard_mode_level: Option<HardModeLevelRankFilter>,
        metric: Option<CharacterRankingMetricType>,
        #[expect(unused, reason = "without effect here")] include_combatant_info: Option<bool>,
        #[expect(unused, reason = "without effect here")] include_other_players: Option<bool>,
        class_name: Option<String>,
        spec_name: Option<String>,
        #[expect(unused, reason = "without effect here")] external_buffs: Option<ExternalBuffRankFilter>,
        #[graphql(name = "covenantID")]
        #[expect(unused, reason = "without effect here")]
        covenant_id: Option<i32>,
        #[graphql(name = "soulbindID")]
        #[expect(unused, reason = "without effect here")]
        soulbind_id: Option<i32>,
    ) -> Result<Option<Json>> {
        let scope = scope(ctx);
        scope.spend(1);
        let filter = encounter_rankings::Filter {
            difficulty: difficulty.unwrap_or(5),
            page: page.unwrap_or(1),
            partition,
            region: server_region.as_deref(),
            realm_slug: server_slug.as_deref(),
            size,
            metric: metric.map(CharacterRankingMetricType::text),
            class_name: class_name.as_deref(),
            spec_name: spec_name.as_deref(),
        };
        let shared = &scope.shared;
        match encounter_rankings::page(&shared.world, &shared.boards, self.raid, self.encounter, &filter) {
            Ok(text) => Ok(Some(Json(text))),
            Err(encounter_rankings::Refused::Internal) => Err(Error::new("Internal server error")),
            Err(encounter_rankings::Refused::Filter(message)) => Ok(Some(scalar::error(message))),
        }
    }
}

/// A realm, by index.
pub(super) struct Server(u16);

impl Server {
    pub(super) fn of(realm: u16) -> Self {
        Self(realm)
    }

    fn realm<'s>(&self, scope: &'s Scope) -> Result<&'s Realm> {
        scope.shared.world.realms().get(usize::from(self.0)).ok_or_else(|| Error::new("Internal server error"))
    }
}

#[Object]
impl Server {
    async fn id(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.realm(scope(ctx))?.id)
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.realm(scope(ctx))?.name.clone())
    }

    async fn normalized_name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.realm(scope(ctx))?.normalized_name.clone())
    }

    async fn slug(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.realm(scope(ctx))?.slug.clone())
    }

    async fn region(&self, ctx: &Context<'_>) -> Result<Region> {
        Ok(Region::of(self.realm(scope(ctx))?.region))
    }
}

#[derive(SimpleObject)]
pub(super) struct Region {
    id: i32,
    compact_name: &'static str,
    name: &'static str,
    slug: &'static str,
}

impl Region {
    pub(super) fn of(region: world::Region) -> Self {
        Self { id: region.id(), compact_name: region.compact_name(), name: region.name(), slug: region.slug() }
    }
}
