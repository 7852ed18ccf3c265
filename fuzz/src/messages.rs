//! Small JSON: messages of the queue, and the pool of keys.

use parsebook_adapters::wcl_api::parse_keys;
use parsebook_core::scrap::Message;

/// A message of the queue: what is read of it is written the same again.
pub fn queue_message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Message::parse(text) {
        Ok(message) => {
            let written = serde_json::to_string(&message).unwrap_or_default();
            assert_eq!(Message::parse(&written).ok().as_ref(), Some(&message), "{written}");
        }
        Err(error) => assert!(error.to_string().len() < 4096, "a reason is a line, not the message"),
    }
}

/// The pool of keys. An error tells nothing of what stands in it.
pub fn keys(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Err(error) = parse_keys(text) else { return };
    let told = format!("{error:#}");
    // Words of the corpus that stand where secrets do.
    assert!(!told.contains("hush") && !told.contains("keeper"), "{told}");
}
