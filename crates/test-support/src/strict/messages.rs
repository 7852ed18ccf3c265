//! A queue that delivers at least once: some messages are in it twice.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::response::Response;
use serde_json::{Value, json};

use super::Inner;
use super::answer::Request;

/// Picks every `n`th message.
#[derive(Debug)]
pub(super) struct Repeater {
    every: Option<u64>,
    sent: AtomicU64,
}

impl Repeater {
    pub(super) fn new(every: Option<u64>) -> Self {
        Self { every, sent: AtomicU64::new(0) }
    }

    fn picks_next(&self) -> bool {
        let Some(every) = self.every else { return false };
        (self.sent.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every)
    }

    /// The body of a call that sends the picked messages of this one's, and how many those are.
    fn again(&self, mut body: Value) -> Option<(Value, u64)> {
        let Some(entries) = body.get_mut("Entries").and_then(Value::as_array_mut) else {
            return self.picks_next().then_some((body, 1));
        };
        entries.retain(|_| self.picks_next());
        let picked = entries.len() as u64;
        (picked > 0).then(|| (json!({ "QueueUrl": body["QueueUrl"], "Entries": body["Entries"] }), picked))
    }
}

/// Passes the messages on, then some of them once more.
pub(super) async fn answer(inner: &Inner, request: Request) -> Response {
    let again = inner.repeater.again(request.json());
    let mut second = request.clone();
    let answer = inner.upstream.pass(request).await;
    if let Some((body, count)) = again.filter(|_| answer.status().is_success()) {
        second.body = Bytes::from(body.to_string());
        inner.upstream.pass(second).await;
        inner.seen().repeated_messages += count;
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_message_is_picked() {
        let entries: Vec<Value> = (0..4).map(|index| json!({ "Id": index.to_string() })).collect();
        let body = json!({ "QueueUrl": "q", "Entries": entries });
        let repeater = Repeater::new(Some(3));
        let again = |id: &str| Some((json!({ "QueueUrl": "q", "Entries": [{ "Id": id }] }), 1));
        assert_eq!(repeater.again(body.clone()), again("2"));
        assert_eq!(repeater.again(body.clone()), again("1"));
        let single = json!({ "QueueUrl": "q", "MessageBody": "{}" });
        assert_eq!(repeater.again(single.clone()), Some((single.clone(), 1)));
        assert_eq!(repeater.again(single), None);
        assert_eq!(Repeater::new(None).again(body), None);
    }
}
