//! What is still to be ranked: the content of `discovers` and of the queue's messages.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::report::{LONGEST_CODE, is_code};
use crate::{Difficulty, PlayerId, RaidId, difficulty};

/// A message that failed so often for reasons of its own becomes a dead letter. Returns for want of points do not count.
pub const MOST_FAILURES: u32 = 5;

/// The highest number that can be asked from the API, where ids are signed 32-bit.
pub const MAX_ID: u32 = i32::MAX as u32;

/// Most raids and difficulties of one player: thirty raids in four. Five such messages are what an hour's 3,600 points pay
/// at 6 each; a batch with one that no hour could pay would come back for ever.
pub const MOST_PAIRS: usize = 120;

/// Raid → difficulties to rank, as in `{"26":[3,5],"28":[3,4,5]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RaidsToScrap(pub BTreeMap<RaidId, BTreeSet<Difficulty>>);

impl RaidsToScrap {
    /// One raid in one difficulty.
    pub fn one(raid: RaidId, difficulty: Difficulty) -> Self {
        Self(BTreeMap::from([(raid, BTreeSet::from([difficulty]))]))
    }

    /// Every raid + difficulty, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (RaidId, Difficulty)> + '_ {
        self.0.iter().flat_map(|(&raid, difficulties)| difficulties.iter().map(move |&difficulty| (raid, difficulty)))
    }

    /// Whether a raid + difficulty is among them.
    pub fn contains(&self, (raid, difficulty): (RaidId, Difficulty)) -> bool {
        self.0.get(&raid).is_some_and(|difficulties| difficulties.contains(&difficulty))
    }

    /// How many raid + difficulty pairs there are: what the budget counts.
    pub fn pair_count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Adds one raid + difficulty.
    pub fn insert(&mut self, raid: RaidId, difficulty: Difficulty) {
        self.0.entry(raid).or_default().insert(difficulty);
    }

    /// Adds everything of `other`. The order of merges does not matter.
    pub fn merge(&mut self, other: &Self) {
        for (raid, difficulty) in other.pairs() {
            self.insert(raid, difficulty);
        }
    }

    /// Takes out exactly the pairs of `other`; raids left without a difficulty go too.
    pub fn remove(&mut self, other: &Self) {
        for (raid, gone) in &other.0 {
            if let Some(difficulties) = self.0.get_mut(raid) {
                difficulties.retain(|difficulty| !gone.contains(difficulty));
                if difficulties.is_empty() {
                    self.0.remove(raid);
                }
            }
        }
    }

    /// What of it the API can be asked for; `None` if that is all.
    pub fn usable_part(&self) -> Option<Self> {
        let is_usable = |(raid, difficulty): &(RaidId, Difficulty)| {
            (1..=MAX_ID).contains(raid) && difficulty::is_known(*difficulty)
        };
        if self.pairs().all(|pair| is_usable(&pair)) {
            return None;
        }
        let mut usable = Self::default();
        self.pairs().filter(is_usable).for_each(|(raid, difficulty)| usable.insert(raid, difficulty));
        Some(usable)
    }

    /// Whether nothing is left to rank.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeSet::is_empty)
    }
}

/// A document of `discovers` and, in the same form, a message of the queue: one player and what to rank of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovered {
    /// The player.
    pub id: PlayerId,
    /// What to rank of it.
    pub raids_to_scrap: RaidsToScrap,
}

/// A message that asks for the ranks of everybody in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportMessage {
    /// The report's code: letters and digits.
    pub report: String,
    /// The raid whose rule listed it; absent in a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raid: Option<RaidId>,
}

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// One player.
    Player(Discovered),
    /// One report.
    Report(ReportMessage),
}

impl Message {
    /// Parses one message body and checks that the API can be asked for it.
    pub fn parse(body: &str) -> Result<Self, MalformedMessage> {
        let value: serde_json::Value = serde_json::from_str(body)?;
        if value.get("report").is_none() {
            return Ok(Self::Player(serde_json::from_value::<Discovered>(value)?.checked()?));
        }
        let message: ReportMessage = serde_json::from_value(value)?;
        if !is_code(&message.report) {
            return Err(MalformedMessage::Code(message.report.chars().take(LONGEST_CODE).collect()));
        }
        Ok(Self::Report(message))
    }
}

/// Why a message or an event's player cannot be worked.
#[derive(Debug, thiserror::Error)]
pub enum MalformedMessage {
    /// Not the JSON of a message.
    #[error("not a message: {0}")]
    Json(#[from] serde_json::Error),
    /// Not a report's code.
    #[error("report {0:?} is no code of letters and digits")]
    Code(String),
    /// An id that the API cannot be asked for.
    #[error("player id {0} is outside 1..={MAX_ID}")]
    Id(u32),
    /// A raid that the API cannot be asked for.
    #[error("player {player}: raid {raid} is outside 1..={MAX_ID}")]
    Raid {
        /// The message's player.
        player: PlayerId,
        /// The raid as given.
        raid: RaidId,
    },
    /// A difficulty that no raid has.
    #[error("player {player}: difficulty {difficulty} is none of {LISTED}", LISTED = difficulty::LISTED)]
    Difficulty {
        /// The message's player.
        player: PlayerId,
        /// The difficulty as given.
        difficulty: Difficulty,
    },
    /// More than any player could have.
    #[error("player {0}: raidsToScrap names {1} raids and difficulties, more than {MOST_PAIRS}")]
    TooMany(PlayerId, usize),
    /// Nothing to rank.
    #[error("player {0}: raidsToScrap names no raid and difficulty")]
    Empty(PlayerId),
}

impl Discovered {
    /// Itself, if the API can be asked for it.
    pub fn checked(self) -> Result<Self, MalformedMessage> {
        if self.id == 0 || self.id > MAX_ID {
            return Err(MalformedMessage::Id(self.id));
        }
        if let Some(&raid) = self.raids_to_scrap.0.keys().find(|&&raid| raid == 0 || raid > MAX_ID) {
            return Err(MalformedMessage::Raid { player: self.id, raid });
        }
        if self.raids_to_scrap.is_empty() {
            return Err(MalformedMessage::Empty(self.id));
        }
        if let Some((_, difficulty)) = self.raids_to_scrap.pairs().find(|pair| !difficulty::is_known(pair.1)) {
            return Err(MalformedMessage::Difficulty { player: self.id, difficulty });
        }
        match self.raids_to_scrap.pair_count() {
            pairs if pairs > MOST_PAIRS => Err(MalformedMessage::TooMany(self.id, pairs)),
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raids() -> impl Strategy<Value = RaidsToScrap> {
        prop::collection::btree_map(1..5_u32, prop::collection::btree_set(1..6_u8, 1..4), 0..4).prop_map(RaidsToScrap)
    }

    proptest! {
        #[test]
        fn merging_is_order_free(a in raids(), b in raids(), c in raids()) {
            let merged = |parts: [&RaidsToScrap; 3]| {
                let mut all = RaidsToScrap::default();
                parts.into_iter().for_each(|part| all.merge(part));
                all
            };
            prop_assert_eq!(merged([&a, &b, &c]), merged([&c, &a, &b]));
        }

        #[test]
        fn removing_what_was_sent_leaves_what_came_later(sent in raids(), later in raids()) {
            let mut stored = sent.clone();
            stored.merge(&later);
            stored.remove(&sent);
            for pair in later.pairs() {
                let was_sent = sent.pairs().any(|other| other == pair);
                prop_assert_eq!(stored.pairs().any(|other| other == pair), !was_sent);
            }
        }
    }

    #[test]
    fn a_message_has_the_documented_form() {
        let body = r#"{"id":57147396,"raidsToScrap":{"26":[3,5],"28":[3,4,5]}}"#;
        let message = Message::parse(body).unwrap();
        assert!(matches!(&message, Message::Player(player) if player.raids_to_scrap.pair_count() == 5));
        assert_eq!(serde_json::to_string(&message).unwrap(), body);
    }

    #[test]
    fn a_report_is_a_message_too() {
        let body = r#"{"report":"aBcD1234","raid":44}"#;
        let message = Message::parse(body).unwrap();
        assert_eq!(message, Message::Report(ReportMessage { report: "aBcD1234".to_owned(), raid: Some(44) }));
        assert_eq!(serde_json::to_string(&message).unwrap(), body);
    }

    #[test]
    fn unusable_messages_are_named() {
        for (body, named) in [
            ("", "not a message"),
            (r#"{"id":0,"raidsToScrap":{"26":[3]}}"#, "player id 0"),
            (r#"{"id":2147483648,"raidsToScrap":{"26":[3]}}"#, "player id 2147483648"),
            (r#"{"id":7,"raidsToScrap":{"26":[]}}"#, "names no raid"),
            (r#"{"id":7,"raidsToScrap":{"0":[3]}}"#, "raid 0"),
            (r#"{"id":7,"raidsToScrap":{"26":[300]}}"#, "not a message"),
            (r#"{"report":"a\") {"}"#, "is no code"),
            (r#"{"report":"","raid":44}"#, "is no code"),
            (r#"{"report":"aBcD1234aBcD1234aBcD1234aBcD12345"}"#, "is no code"),
            (r#"{"report":7}"#, "not a message"),
        ] {
            let error = Message::parse(body).unwrap_err().to_string();
            assert!(error.contains(named), "{body}: {error}");
        }
    }

    #[test]
    fn what_the_api_takes_is_taken() {
        let most = MAX_ID;
        for body in [
            format!(r#"{{"id":{most},"raidsToScrap":{{"{most}":[1,3,4,5]}}}}"#),
            format!(r#"{{"report":"{}"}}"#, "a".repeat(LONGEST_CODE)),
        ] {
            assert!(Message::parse(&body).is_ok(), "{body}");
        }
        let too_long = "a".repeat(LONGEST_CODE + 1);
        let error = Message::parse(&format!(r#"{{"report":"{too_long}"}}"#)).unwrap_err();
        assert!(matches!(error, MalformedMessage::Code(code) if code.len() == LONGEST_CODE));
        let one = |raid, difficulty| Discovered { id: 7, raids_to_scrap: RaidsToScrap::one(raid, difficulty) };
        let named = |discovered: Discovered| discovered.checked().map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(named(one(31, 4)), Ok(()));
        assert!(named(one(most + 1, 4)).unwrap_err().starts_with("player 7: raid 2147483648"));
        assert!(named(one(31, 2)).unwrap_err().starts_with("player 7: difficulty 2 is none of"));
    }

    #[test]
    fn a_player_with_more_pairs_than_an_hour_pays_for_is_named() {
        let with_pairs = |pairs: u32| {
            let mut raids_to_scrap = RaidsToScrap::default();
            (0..pairs).for_each(|index| raids_to_scrap.insert(1 + index / 4, [1, 3, 4, 5][index as usize % 4]));
            Discovered { id: 7, raids_to_scrap }.checked()
        };
        assert!(with_pairs(120).is_ok());
        assert!(matches!(with_pairs(121), Err(MalformedMessage::TooMany(7, 121))));
    }

    #[test]
    fn the_part_that_the_api_can_be_asked_for_is_told_where_it_is_not_all() {
        let all = |pairs: &[(u32, u8)]| {
            let mut raids = RaidsToScrap::default();
            pairs.iter().for_each(|&(raid, difficulty)| raids.insert(raid, difficulty));
            raids
        };
        assert_eq!(all(&[(1, 1), (31, 3), (MAX_ID, 5)]).usable_part(), None);
        let part = all(&[(0, 4), (31, 2), (31, 3), (31, 4), (MAX_ID + 1, 4)]).usable_part();
        assert_eq!(part, Some(all(&[(31, 3), (31, 4)])));
        assert_eq!(all(&[(0, 4)]).usable_part(), Some(RaidsToScrap::default()));
        let some = all(&[(31, 3)]);
        assert!(some.contains((31, 3)) && !some.contains((31, 4)) && !some.contains((30, 3)));
        assert!(!some.is_empty() && RaidsToScrap::default().is_empty());
    }
}
