//! What the Lambdas are called with.

use parsebook_adapters::events::{Publication, backfill, by_hand, deliveries, force};
use parsebook_core::scrap::Message;
use serde_json::Value;

/// One event as each Lambda reads it.
pub fn event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Ok(Some(target)) = backfill(&event) {
        assert!(target.start_page >= 1 && target.start_page <= target.end_page, "{target:?}");
    }
    drop(force(&event));
    drop(Publication::read(&event));
    for read in [deliveries(&event).ok().flatten(), by_hand(&event).ok()] {
        for delivery in read.into_iter().flatten() {
            drop(Message::parse(&delivery.body));
        }
    }
}
