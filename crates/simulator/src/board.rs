//! The order of the ranking boards: for each raid and difficulty the players that killed something there, best first.

use std::collections::BTreeMap;

use crate::world::World;

/// Boards of a whole world as vectors of player indices; 4 bytes per row.
#[derive(Debug, Default)]
pub(crate) struct Boards(BTreeMap<(u8, u8), Vec<u32>>);

impl Boards {
    /// Orders every board: most bosses first, then the higher sum of ranks, then the lower id.
    pub(crate) fn new(world: &World) -> Self {
        let mut rows: BTreeMap<(u8, u8), Vec<(u32, u32)>> = BTreeMap::new();
        for (index, player) in world.players().enumerate() {
            for kills in player.kills().chunk_by(|a, b| (a.raid, a.difficulty) == (b.raid, b.difficulty)) {
                let score = kills.len() as u32 * 1_000_000 + kills.iter().map(|kill| u32::from(kill.rank)).sum::<u32>();
                rows.entry((kills[0].raid, kills[0].difficulty)).or_default().push((score, index as u32));
            }
        }
        let order = |mut rows: Vec<(u32, u32)>| {
            rows.sort_unstable_by_key(|&(score, index)| (std::cmp::Reverse(score), index));
            rows.into_iter().map(|(_, index)| index).collect()
        };
        Self(rows.into_iter().map(|(key, rows)| (key, order(rows))).collect())
    }

    /// One board, best first; empty when nobody killed anything there.
    pub(crate) fn board(&self, raid: u8, difficulty: u8) -> &[u32] {
        self.0.get(&(raid, difficulty)).map_or(&[], Vec::as_slice)
    }
}
