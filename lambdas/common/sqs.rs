//! The answer to an SQS event.

use parsebook_core::rank::FailedMessage;
use serde_json::{Value, json};

/// The messages that go back, and nothing else.
pub fn batch_response(returned: &[FailedMessage]) -> Value {
    let failed = returned.iter().map(|failed| json!({ "itemIdentifier": failed.message_id }));
    json!({ "batchItemFailures": failed.collect::<Vec<_>>() })
}
