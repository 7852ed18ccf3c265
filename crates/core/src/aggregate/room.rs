//! How many messages the queue may still take, and how many of them are reports'. Pure.

/// Of ten messages, most that are reports' while players wait.
pub const REPORTS_OF_TEN: u64 = 9;
/// Where reports are ranked, what can wait fills the queue up to this part of `QUEUE_LIMIT`, a week's worth of one key:
/// three hours' worth, the time between two runs.
const HOURS_FILLED: u64 = 3;
const HOURS_OF_QUEUE: u64 = 7 * 24;
/// Reports fill it up to this part: what is sent now is still read within a day. It is more than the longest wait by which
/// player-rank decides what to leave out, so that the least is asked of each before any has to stay behind.
const HOURS_OF_REPORTS: u64 = 20;
/// A queue that may hold no more than this is never filled for long.
const SMALL_LIMIT: u64 = 1_000;

/// The queue's room at the beginning of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Messages in the queue.
    pub length: u64,
    /// Messages that it may still take.
    pub left: u64,
    /// Of these, most that are reports'.
    pub for_reports: u64,
    /// What can wait fills the queue up to so many messages.
    pub filled: u64,
}

impl Room {
    /// The room of a queue with `limit` that holds `length` messages, of which `players_in_queue` are players', while
    /// players wait for room or none do.
    pub fn of(limit: u64, length: u64, players_in_queue: u64, do_players_wait: bool) -> Self {
        let worth = |hours| if limit <= SMALL_LIMIT { limit } else { limit * hours / HOURS_OF_QUEUE };
        let left = limit.saturating_sub(length);
        let share = if do_players_wait { (left * REPORTS_OF_TEN / 10).max(left.min(1)) } else { left };
        let reports_in_queue = length.saturating_sub(players_in_queue);
        let for_reports = share.min(worth(HOURS_OF_REPORTS).saturating_sub(reports_in_queue));
        Self { length, left, for_reports, filled: worth(HOURS_FILLED) }
    }

    /// Whether a report that was sent a day ago cannot be in the queue any more.
    pub fn is_short(&self) -> bool {
        self.length <= self.filled
    }

    /// Most reports read in part that are sent beside `due` ones.
    pub fn for_parts(&self, due: u64) -> u64 {
        self.unfilled(due) / 2
    }

    /// Most players that are sent beside `due` reports and `parts` of others: one at least for every nine reports.
    pub fn for_players(&self, due: u64, parts: u64) -> u64 {
        self.unfilled(due).saturating_sub(parts).max(due.div_ceil(REPORTS_OF_TEN))
    }

    fn unfilled(&self, due: u64) -> u64 {
        self.filled.saturating_sub(self.length + due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_room_is_kept_for_players_that_wait() {
        let for_reports = |length, do_players_wait| Room::of(900, length, 0, do_players_wait).for_reports;
        assert_eq!([for_reports(0, true), for_reports(0, false)], [810, 900]);
        assert_eq!([for_reports(899, true), for_reports(900, true), for_reports(901, false)], [1, 0, 0]);
    }

    #[test]
    fn reports_fill_twenty_hours_of_a_large_queue_and_all_of_a_small_one() {
        let reports_and_filled = |limit, length, players| {
            let room = Room::of(limit, length, players, false);
            (room.left, room.for_reports, room.filled)
        };
        assert_eq!(reports_and_filled(168_000, 0, 0), (168_000, 20_000, 3_000));
        assert_eq!(
            reports_and_filled(168_000, 5_000, 4_000),
            (163_000, 19_000, 3_000),
            "a thousand of them are reports"
        );
        assert_eq!(reports_and_filled(168_000, 30_000, 0).1, 0);
        assert_eq!(reports_and_filled(1_000, 0, 0), (1_000, 1_000, 1_000));
        assert_eq!(reports_and_filled(1_001, 0, 0), (1_001, 119, 17));
    }

    #[test]
    fn what_can_wait_fills_what_due_reports_leave_of_three_hours() {
        let room = Room::of(168_000, 1_000, 0, true);
        assert_eq!((room.for_parts(500), room.for_players(500, 100)), (750, 1_400));
        assert_eq!((room.for_parts(9_000), room.for_players(9_000, 0)), (0, 1_000), "one for nine");
        assert_eq!(room.for_players(10, 5_000), 2, "more parts than there was room for");
        assert!(Room::of(168_000, 3_000, 0, true).is_short() && !Room::of(168_000, 3_001, 0, true).is_short());
    }
}
