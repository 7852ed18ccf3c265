//! The GraphQL that parsebook sends, and what each question costs.
//!
//! Costs are the best published fit, not WCL's word: 1 for each root question, 5 for each `zoneRankings`, 1 for each
//! report's characters and fights. Points are always measured by the reading that comes with the answer.

use std::fmt::Write;

use parsebook_core::scrap::Discovered;
use parsebook_core::{RaidId, Timestamp};

/// Asks for nothing but points. Costs 1.
pub const POINTS: &str = "{ rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn } }";
const READING: &str = "rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn }";

/// Cuts players into requests of at most `players_each` characters and, unless one alone has more, `pairs_each`
/// raid + difficulty pairs.
pub fn chunks(players: &[Discovered], players_each: usize, pairs_each: usize) -> Vec<&[Discovered]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut pairs = 0;
    for (index, player) in players.iter().enumerate() {
        let own = player.raids_to_scrap.pair_count();
        if index > start && (index - start >= players_each || pairs + own > pairs_each) {
            chunks.push(&players[start..index]);
            start = index;
            pairs = 0;
        }
        pairs += own;
    }
    if start < players.len() {
        chunks.push(&players[start..]);
    }
    chunks
}

/// Ranks of several characters: alias `p<id>` for a character, `z<raid>d<difficulty>` for each pair.
///
/// No metric is named: WCL then answers with the one that fits the character there, and names it.
pub fn rank(players: &[Discovered]) -> (String, f64) {
    let mut query = format!("{{ {READING} characterData {{ ");
    let mut cost = 0.0;
    for player in players {
        cost += 1.0;
        let id = player.id;
        // Writing to a String cannot fail.
        let _ = write!(
            query,
            "p{id}: character(id: {id}) {{ id name classID hidden server {{ name normalizedName region {{ compactName }} }} "
        );
        for (raid, difficulty) in player.raids_to_scrap.pairs() {
            cost += 5.0;
            let _ = write!(
                query,
                "{}: zoneRankings(zoneID: {raid}, difficulty: {difficulty}) ",
                pair_alias(raid, difficulty)
            );
        }
        query.push_str("} ");
    }
    query.push_str("} }");
    (query, cost)
}

/// The alias of one raid + difficulty.
pub fn pair_alias(raid: RaidId, difficulty: parsebook_core::Difficulty) -> String {
    format!("z{raid}d{difficulty}")
}

/// Name, bosses and partitions of a raid.
pub fn zone(raid: RaidId) -> (String, f64) {
    let query = format!(
        "{{ {READING} worldData {{ zone(id: {raid}) {{ id name encounters {{ id name }} partitions {{ id default }} }} }} }}"
    );
    (query, 1.0)
}

/// One page of a raid's public reports with their characters and boss kills. Times are milliseconds since 1970.
pub fn reports(raid: RaidId, begun_after: Option<Timestamp>, until: Timestamp, page: u32, limit: u32) -> (String, f64) {
    let start = begun_after.map_or(0, |time| time.timestamp_millis());
    let end = until.timestamp_millis();
    let query = format!(
        "{{ {READING} reportData {{ reports(zoneID: {raid}, startTime: {start}, endTime: {end}, page: {page}, limit: {limit}) \
         {{ has_more_pages data {{ endTime rankedCharacters {{ id hidden }} \
         fights(killType: Kills) {{ encounterID difficulty }} }} }} }} }}"
    );
    (query, 1.0 + 2.0 * f64::from(limit))
}

#[cfg(test)]
mod tests {
    use parsebook_core::scrap::RaidsToScrap;

    use super::*;

    fn player(id: u32, pairs: u8) -> Discovered {
        let mut raids_to_scrap = RaidsToScrap::default();
        (1..=pairs).for_each(|difficulty| raids_to_scrap.insert(31, difficulty));
        Discovered { id, raids_to_scrap }
    }

    #[test]
    fn requests_stay_within_both_bounds() {
        let players = [player(1, 3), player(2, 3), player(3, 9), player(4, 1), player(5, 1), player(6, 1)];
        let ids: Vec<Vec<u32>> =
            chunks(&players, 2, 6).into_iter().map(|chunk| chunk.iter().map(|player| player.id).collect()).collect();
        assert_eq!(ids, [vec![1, 2], vec![3], vec![4, 5], vec![6]]);
        assert!(chunks(&[], 2, 6).is_empty());
    }

    #[test]
    fn one_request_carries_several_characters_and_pairs() {
        let (query, cost) = rank(&[player(7, 2), player(8, 1)]);
        assert_eq!(cost, 17.0);
        for part in
            ["rateLimitData", "p7: character(id: 7)", "p8: character", "z31d1: zoneRankings(zoneID: 31, difficulty: 1)"]
        {
            assert!(query.contains(part), "{part} in {query}");
        }
    }
}
