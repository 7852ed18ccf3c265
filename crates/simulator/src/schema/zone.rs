//! `worldData`: raids and their bosses; realms and regions as characters and reports name them.

use async_graphql::{Context, Object, SimpleObject};

use crate::behaviour::Behaviour;
use crate::world::{self, Raid, Realm};

use super::scope::scope;

pub(super) struct WorldData;

#[Object]
impl WorldData {
    async fn zone(&self, ctx: &Context<'_>, id: Option<i32>) -> Option<Zone> {
        let scope = scope(ctx);
        scope.spend(1.0);
        scope.shared.world.raid(id?).map(|raid| Zone::of(raid, &scope.shared.behaviour))
    }
}

/// A raid.
#[derive(SimpleObject)]
pub(super) struct Zone {
    id: i32,
    name: String,
    frozen: bool,
    encounters: Option<Vec<Option<Encounter>>>,
    /// Every partition up to the current one, which is the default.
    partitions: Option<Vec<Option<Partition>>>,
}

impl Zone {
    pub(super) fn of(raid: &Raid, behaviour: &Behaviour) -> Self {
        let encounter = |boss: &world::Encounter| Some(Encounter { id: boss.id, name: boss.name.clone() });
        let has_none = behaviour.raids_without_partitions.contains(&raid.id);
        let current = if has_none { 0 } else { raid.partition };
        let partition = |id| Some(Partition { id, default: id == current });
        Self {
            id: raid.id,
            name: raid.name.clone(),
            frozen: raid.frozen,
            encounters: Some(raid.encounters.iter().map(encounter).collect()),
            partitions: Some((1..=current).map(partition).collect()),
        }
    }
}

#[derive(SimpleObject)]
struct Encounter {
    id: i32,
    name: String,
}

#[derive(SimpleObject)]
struct Partition {
    id: i32,
    default: bool,
}

/// A realm.
#[derive(SimpleObject)]
pub(super) struct Server {
    id: i32,
    name: String,
    normalized_name: String,
    slug: String,
    region: Region,
}

impl Server {
    pub(super) fn of(realm: &Realm) -> Self {
        Self {
            id: realm.id,
            name: realm.name.clone(),
            normalized_name: realm.normalized_name.clone(),
            slug: realm.slug.clone(),
            region: Region::of(realm.region),
        }
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
