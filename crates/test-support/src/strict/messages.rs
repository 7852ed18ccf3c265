//! A queue that delivers at least once: some messages are in it twice.

use axum::body::Bytes;
use axum::response::Response;

use super::answer::Request;
use super::state::Inner;

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
    use serde_json::{Value, json};

    use crate::strict::state::Repeater;

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
