//! Collecting raids, realms and players into a [`World`].

use std::collections::HashMap;

use super::{Kill, PlayerRecord, Raid, Realm, Region, World};

/// Collects raids, realms and players into a [`World`].
#[derive(Debug, Default)]
pub(crate) struct Builder {
    world: World,
    realm_index: HashMap<(Region, i32, String), u16>,
}

/// Why a player was not taken into the world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("the name is empty or longer than 255 bytes")]
    Name,
    #[error("more than 255 ranks")]
    TooManyRanks,
    #[error("the same rank twice: raid {0}, difficulty {1}, encounter {2}")]
    Duplicate(i32, u8, i32),
    #[error("too many realms")]
    TooManyRealms,
}

impl Builder {
    pub(crate) fn raids(&self) -> &[Raid] {
        &self.world.raids
    }

    /// Adds a raid, or the bosses a known raid did not have yet. False when the world is full.
    pub(crate) fn add_raid(&mut self, raid: Raid) -> bool {
        match self.world.raids.iter().position(|known| known.id == raid.id) {
            Some(at) => {
                let known = &mut self.world.raids[at];
                for encounter in raid.encounters {
                    if !known.encounters.iter().any(|other| other.id == encounter.id) {
                        known.encounters.push(encounter);
                    }
                }
                known.encounters.len() <= 255
            }
            None if self.world.raids.len() < 255 && raid.encounters.len() <= 255 => {
                self.world.raids.push(raid);
                true
            }
            None => false,
        }
    }

    pub(crate) fn add_realm(&mut self, realm: Realm) -> Result<u16, Rejected> {
        let key = (realm.region, realm.id, realm.name.clone());
        if let Some(&at) = self.realm_index.get(&key) {
            return Ok(at);
        }
        let at = u16::try_from(self.world.realms.len()).map_err(|_| Rejected::TooManyRealms)?;
        self.world.realms.push(realm);
        self.realm_index.insert(key, at);
        Ok(at)
    }

    pub(crate) fn add_player(
        &mut self,
        id: u32,
        name: &str,
        realm: u16,
        class_id: u8,
        hidden: bool,
        mut kills: Vec<Kill>,
    ) -> Result<(), Rejected> {
        let name_len = u8::try_from(name.len()).ok().filter(|&length| length > 0).ok_or(Rejected::Name)?;
        let kills_len = u8::try_from(kills.len()).map_err(|_| Rejected::TooManyRanks)?;
        kills.sort_unstable_by_key(|kill| (kill.raid, kill.difficulty, kill.metric, kill.encounter));
        let key = |kill: &Kill| (kill.raid, kill.difficulty, kill.metric, kill.encounter);
        if let Some(pair) = kills.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            let raid = &self.world.raids[usize::from(pair[0].raid)];
            let encounter = raid.encounters[usize::from(pair[0].encounter)].id;
            return Err(Rejected::Duplicate(raid.id, pair[0].difficulty, encounter));
        }
        self.world.players.push(PlayerRecord {
            id,
            name_at: self.world.names.len() as u32,
            kills_at: self.world.kills.len() as u32,
            realm,
            name_len,
            kills_len,
            class_id,
            hidden,
        });
        self.world.names.push_str(name);
        self.world.kills.extend(kills);
        Ok(())
    }

    /// Sorts by id and drops repeated ids (the first one stays); tells how many were dropped.
    pub(crate) fn finish(mut self) -> (World, usize) {
        let before = self.world.players.len();
        self.world.players.sort_by_key(|record| record.id);
        self.world.players.dedup_by_key(|record| record.id);
        self.world.players.shrink_to_fit();
        self.world.kills.shrink_to_fit();
        self.world.names.shrink_to_fit();
        let dropped = before - self.world.players.len();
        (self.world, dropped)
    }
}
