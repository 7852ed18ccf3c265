//! So many requests a second, and no more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts requests of the last second.
#[derive(Debug)]
pub(super) struct Rate {
    most: Option<u32>,
    recent: Mutex<VecDeque<Instant>>,
}

impl Rate {
    pub(super) fn new(most: Option<u32>) -> Self {
        Self { most, recent: Mutex::default() }
    }

    /// Whether one more may come now. A refused one does not count.
    pub(super) fn allows(&self) -> bool {
        let Some(most) = self.most else { return true };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while recent.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            recent.pop_front();
        }
        let is_allowed = recent.len() < most as usize;
        if is_allowed {
            recent.push_back(now);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_holds_so_many() {
        let rate = Rate::new(Some(3));
        let asked = |times: usize| (0..times).filter(|_| rate.allows()).count();
        assert_eq!(asked(5), 3);
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!(asked(5), 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(asked(5), 3);
        assert!((0..1000).all(|_| Rate::new(None).allows()));
    }
}
