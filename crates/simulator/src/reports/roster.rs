//! The players of one raid, difficulty and region, and how their kills are shared out: each kill of a boss is made by
//! players who stand side by side, and everybody stands in exactly as many kills as the world says.
//!
//! ```text
//! order   A B C D E F G H I …            (alike in progress side by side)
//! kills of the boss   3 1 2 2 0 1 1 2 1
//! round 0 [A B C D F] [G H I …          everybody with a kill
//! round 1 [A C D H …                    everybody with a second one
//! round 2 [A …
//! ```
//! A kill is 16 bytes; who took part is found by walking on from its first place.

use std::cmp::Reverse;

use crate::rng::hash;
use crate::season::Calendar;
use crate::world::{Kill, Player, Region, World, played};

/// One kill of a boss by a raid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KillEvent {
    /// Place of its first player in the roster's order.
    first: u32,
    /// Seconds since the calendar's origin.
    pub ended_s: i32,
    /// The report that holds it.
    pub report: u32,
    /// Which of the players' kills of this boss it is, from 0.
    pub round: u16,
    /// Index into the raid's encounters.
    pub encounter: u8,
    /// Number of players that are ranked.
    pub size: u8,
}

/// A player in a kill.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'w> {
    pub player: Player<'w>,
    pub kill: &'w Kill,
    /// Which of the player's kills of this boss under the kill's metric it is, from 0.
    pub round: u16,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Roster {
    pub raid: u8,
    pub difficulty: u8,
    pub region: Region,
    most: u16,
    /// Players of a kill, where that is not left to chance.
    players: Option<usize>,
    order: Vec<u32>,
    /// Player and place in `order`, by player.
    places: Vec<(u32, u32)>,
    /// By encounter, round and first place.
    kills: Vec<KillEvent>,
}

impl Roster {
    /// Shares out the kills of these players, at most `most_kills` of the calendar of each for every boss.
    pub(super) fn new(world: &World, key: (u8, u8, Region), mut order: Vec<u32>, calendar: &Calendar) -> Self {
        let (raid, difficulty, region) = key;
        order.sort_by_cached_key(|&index| {
            let kills = world.at(index).kills_in(raid, difficulty);
            (Reverse((kills.len(), kills.iter().map(|kill| u32::from(kill.kills)).sum::<u32>())), hash(&[index.into()]))
        });
        let mut places: Vec<(u32, u32)> = order.iter().enumerate().map(|(at, &player)| (player, at as u32)).collect();
        places.sort_unstable();
        let players = calendar.raid_size.map(|size| usize::from(size.players.max(1)));
        let most = calendar.most_kills;
        let mut roster = Self { raid, difficulty, region, most, players, order, places, kills: Vec::new() };
        for encounter in 0..world.raids()[usize::from(raid)].encounters.len() as u8 {
            roster.share_out(world, encounter);
        }
        roster.kills.shrink_to_fit();
        roster
    }

    fn share_out(&mut self, world: &World, encounter: u8) {
        let mut left: Vec<(u32, u16)> = self
            .order
            .iter()
            .enumerate()
            .map(|(place, &index)| {
                (place as u32, self.rounds(world.at(index).kills_in(self.raid, self.difficulty), encounter))
            })
            .collect();
        for round in 0..u16::MAX {
            left.retain(|&(_, rounds)| rounds > round);
            let mut rest = left.as_slice();
            while !rest.is_empty() {
                let size = self.size(encounter, round, rest.len());
                let event = KillEvent { first: rest[0].0, ended_s: 0, report: 0, round, encounter, size: size as u8 };
                self.kills.push(event);
                rest = &rest[size..];
            }
            if left.is_empty() {
                return;
            }
        }
    }

    /// 20 for Mythic, 20 to 25 elsewhere; what is left over joins the last raid when it is too small for one.
    fn size(&self, encounter: u8, round: u16, left: usize) -> usize {
        if let Some(players) = self.players {
            return left.min(players);
        }
        let most = if self.difficulty == 5 { 20 } else { 30 };
        let dice = hash(&[self.raid.into(), encounter.into(), round.into(), left as u64]);
        let size = if self.difficulty == 5 { 20 } else { 20 + (dice % 6) as usize };
        if left <= size || (left < size + 5 && left <= most) { left.min(most) } else { size }
    }

    /// How many kills of a boss stand in reports.
    fn rounds(&self, kills: &[Kill], encounter: u8) -> u16 {
        let of_boss = kills.iter().filter(|kill| kill.encounter == encounter);
        of_boss.fold(0, |sum: u16, kill| sum.saturating_add(kill.kills.min(self.most)))
    }

    pub(crate) fn kill(&self, at: u32) -> &KillEvent {
        &self.kills[at as usize]
    }

    pub(super) fn kill_count(&self) -> usize {
        self.kills.len()
    }

    pub(super) fn kills_mut(&mut self) -> &mut [KillEvent] {
        &mut self.kills
    }

    /// The first and, at most, the last place of each kill, in the order of the kills.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, u32)> {
        self.kills.iter().enumerate().map(|(at, kill)| {
            let next =
                self.kills.get(at + 1).filter(|next| (next.encounter, next.round) == (kill.encounter, kill.round));
            (kill.first, next.map_or(self.order.len() as u32, |next| next.first) - 1)
        })
    }

    /// Everybody who took part in a kill.
    pub(crate) fn parts<'a>(&'a self, world: &'a World, event: &KillEvent) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let (encounter, round) = (event.encounter, event.round);
        let part = move |&index: &u32| self.part(world, index, encounter, round);
        self.order[event.first as usize..].iter().filter_map(part).take(event.size.into())
    }

    /// Somebody whose row in a kill does not count (WCL marks it as banned): now and then a player who has a kill of the
    /// boss, but no such one. Counts and ranks stay the world's.
    pub(crate) fn banned<'a>(&'a self, world: &'a World, event: &KillEvent) -> Option<Part<'a>> {
        if event.size == 30
            || !hash(&[event.first.into(), event.round.into(), event.encounter.into(), 44]).is_multiple_of(60)
        {
            return None;
        }
        let absent = |index: &&u32| self.part(world, **index, event.encounter, event.round).is_none();
        let near = self.order[event.first as usize..].iter().take(60);
        near.filter(absent).find_map(|&index| self.part(world, index, event.encounter, 0))
    }

    fn part<'a>(&self, world: &'a World, index: u32, encounter: u8, round: u16) -> Option<Part<'a>> {
        let player = world.at(index);
        let (kill, round) = played(player.kills_in(self.raid, self.difficulty), encounter, round, self.most)?;
        Some(Part { player, kill, round })
    }

    /// The kills a player took part in under one metric, first to last, with their index here.
    pub(crate) fn kills_of(&self, player: Player<'_>, kill: &Kill) -> Vec<(u16, u32)> {
        let Ok(found) = self.places.binary_search_by_key(&player.index(), |&(player, _)| player) else {
            return Vec::new();
        };
        let place = self.places[found].1;
        let mine = player.kills_in(self.raid, self.difficulty);
        let of_metric = |round: u16| {
            let (played, own) = played(mine, kill.encounter, round, self.most)?;
            (played.metric == kill.metric).then_some((own, self.at_place(kill.encounter, round, place)?))
        };
        (0..self.rounds(mine, kill.encounter)).filter_map(of_metric).collect()
    }

    fn at_place(&self, encounter: u8, round: u16, place: u32) -> Option<u32> {
        let key = |kill: &KillEvent| (kill.encounter, kill.round, kill.first);
        let after = self.kills.partition_point(|kill| key(kill) <= (encounter, round, place));
        let at = after.checked_sub(1)?;
        let kill = &self.kills[at];
        ((kill.encounter, kill.round) == (encounter, round)).then_some(at as u32)
    }
}
