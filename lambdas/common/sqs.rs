//! The SQS event: bodies stay texts, so that a malformed one fails alone.

use parsebook_core::rank::{Delivery, FailedMessage};
use serde_json::{Value, json};

use crate::Failure;

/// The messages of an SQS event, or `None` if it is not one.
///
/// # Errors
/// When a record has no id: then nothing could be reported of it, and the whole batch must come back.
pub fn deliveries(event: &Value) -> Result<Option<Vec<Delivery>>, Failure> {
    let Some(records) = event.get("Records") else { return Ok(None) };
    let records = records.as_array().ok_or_else(|| Failure::invalid_event("Records is no list"))?;
    let delivery = |record: &Value| {
        let message_id = record.get("messageId").and_then(Value::as_str);
        let message_id = message_id.ok_or_else(|| Failure::invalid_event("a record without messageId"))?;
        let body = match record.get("body") {
            Some(Value::String(body)) => body.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Ok(Delivery { message_id: message_id.to_owned(), body })
    };
    records.iter().map(delivery).collect::<Result<_, _>>().map(Some)
}

/// The answer to an SQS event: the messages that go back, and nothing else.
pub fn batch_response(returned: &[FailedMessage]) -> Value {
    let failed = returned.iter().map(|failed| json!({ "itemIdentifier": failed.message_id }));
    json!({ "batchItemFailures": failed.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_stay_as_they_are() {
        let event = json!({ "Records": [
            { "messageId": "a", "body": "{\"id\":1" }, { "messageId": "b", "body": { "id": 2 } }, { "messageId": "c" },
        ] });
        let bodies: Vec<_> = deliveries(&event).unwrap().unwrap().into_iter().map(|delivery| delivery.body).collect();
        assert_eq!(bodies, ["{\"id\":1", "{\"id\":2}", ""]);
        assert_eq!(deliveries(&json!({ "players": [] })).unwrap(), None);
        for bad in [json!({ "Records": 1 }), json!({ "Records": [{}] })] {
            assert_eq!(deliveries(&bad).unwrap_err().name, "InvalidEvent");
        }
    }
}
