//! One uploaded report, and how much of it there is at a time.

use crate::rng::hash;
use crate::world::Region;

/// What is odd about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first upload of a night.
    First,
    /// The same night by another logger, whose clock differs.
    Second,
    /// The same night again, tagged with another raid.
    WrongTag,
    /// A night on the test server, tagged as the live raid.
    TestServer,
    /// Wipes alone.
    Wipes,
    /// A night of the year before.
    Old,
}

/// A report. Times are seconds since the calendar's origin.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// What its code is made from; also the seed of what is made up about it.
    pub id: u64,
    pub kind: Kind,
    pub started_s: i32,
    pub ended_s: i32,
    /// From when on it can be seen.
    pub uploaded_s: i32,
    /// Whether it was uploaded while the raid lasted.
    pub is_live: bool,
    /// What its clock shows more than the first upload's, in seconds.
    pub shift_s: i32,
    /// The second upload of a first one, or the first of a second one.
    pub twin: Option<u32>,
    /// Index of the raid the report is tagged with.
    pub tag: u8,
    pub difficulty: u8,
    pub region: Region,
    /// Where its kills begin in the list of all.
    pub first_kill: u32,
    pub kills: u16,
}

/// What can be seen of a report at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub ended_s: i32,
    pub revision: i32,
    pub segments: i32,
    pub exported_segments: i32,
}

/// A report when all of it is there.
pub(super) fn whole(report: &Report) -> Seen {
    Seen { ended_s: report.ended_s, revision: 1, segments: 1, exported_segments: 1 }
}

/// A live log grows by steps of five minutes, each a revision, and by a segment each quarter of an hour.
const STEP_S: i64 = 300;
const SEGMENT_S: i32 = 900;
/// Rankings of a live log's last segment are exported so long after the end.
const EXPORT_S: i64 = 1_800;

impl Report {
    /// What is there `now_s` seconds after the origin; nothing before the upload.
    pub(crate) fn seen(&self, now_s: i64, is_season: bool) -> Option<Seen> {
        if now_s < self.uploaded_s.into() {
            return None;
        }
        if self.is_live {
            let grown_s = (now_s - i64::from(self.started_s)) / STEP_S * STEP_S;
            let length_s = i64::from(self.ended_s - self.started_s).min(grown_s) as i32;
            let segments = length_s / SEGMENT_S + 1;
            let is_exported = now_s >= i64::from(self.ended_s) + EXPORT_S;
            let exported_segments = if is_exported { segments } else { segments - 1 };
            let revision = 1 + length_s.unsigned_abs().div_ceil(STEP_S as u32) as i32;
            return Some(Seen { ended_s: self.started_s + length_s, revision, segments, exported_segments });
        }
        // One report in twenty is exported again the next day, another one needs half a day for its rankings.
        let age_s = now_s - i64::from(self.uploaded_s);
        let revision = if is_season && self.id.is_multiple_of(20) && age_s >= 30 * 3600 { 2 } else { 1 };
        let exported_segments = if is_season && self.id % 20 == 1 && age_s < 12 * 3600 { 0 } else { 1 };
        Some(Seen { ended_s: self.ended_s, revision, segments: 1, exported_segments })
    }

    /// What a second logger's clock adds to the end of a kill beside its shift, in milliseconds.
    pub(crate) fn jitter_ms(&self, kill: usize) -> i64 {
        if self.kind == Kind::Second { (hash(&[self.id, kill as u64, 9]) % 115) as i64 } else { 0 }
    }

    /// The code in addresses: sixteen letters and digits.
    pub(crate) fn code(&self) -> String {
        code(self.id)
    }
}

const LETTERS: &[u8; 50] = b"ABCDEFGHJKLMNPQRTVWXYZabcdfghjkmnpqrtvwxyz12346789";

/// Twelve letters of the number, four of its hash.
pub(super) fn code(id: u64) -> String {
    let (mut rest, mut check) = (id, hash(&[id]));
    let letter = |of: &mut u64| {
        let letter = LETTERS[(*of % 50) as usize];
        *of /= 50;
        char::from(letter)
    };
    let number: String = (0..12).map(|_| letter(&mut rest)).collect();
    number + &(0..4).map(|_| letter(&mut check)).collect::<String>()
}

/// The number of a code; nothing for what is no code of ours.
pub(super) fn id_of(text: &str) -> Option<u64> {
    let digits = text.as_bytes().get(..12)?;
    let add = |sum: u64, digit: &u8| {
        let value = LETTERS.iter().position(|letter| letter == digit)?;
        sum.checked_mul(50)?.checked_add(value as u64)
    };
    let id = digits.iter().rev().try_fold(0, add)?;
    (code(id) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Report {
        Report {
            id: 7,
            kind: Kind::First,
            started_s: 1_000,
            ended_s: 7_000,
            uploaded_s: 1_600,
            is_live: true,
            shift_s: 0,
            twin: None,
            tag: 0,
            difficulty: 4,
            region: Region::Eu,
            first_kill: 0,
            kills: 0,
        }
    }

    #[test]
    fn codes_are_read_back() {
        for id in [0, 1, 49, 50, u64::MAX, hash(&[5])] {
            assert_eq!((code(id).len(), id_of(&code(id))), (16, Some(id)));
        }
        for text in ["", "nonsense", "AAAAAAAAAAAAAAAA", "999999999999AAAA", "äääääääääääääääää"] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_live_log_is_seen_growing() {
        let report = live();
        assert_eq!(report.seen(1_599, true), None);
        let seen = |now_s| report.seen(now_s, true).unwrap();
        assert_eq!(seen(1_600), Seen { ended_s: 1_600, revision: 3, segments: 1, exported_segments: 0 });
        assert_eq!(seen(4_000), Seen { ended_s: 4_000, revision: 11, segments: 4, exported_segments: 3 });
        assert_eq!(seen(7_100).ended_s, 7_000);
        assert_eq!(seen(8_800), Seen { ended_s: 7_000, revision: 21, segments: 7, exported_segments: 7 });
    }
}
