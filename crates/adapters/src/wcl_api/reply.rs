//! What the body of an answer is: JSON, perhaps with something around it, or no answer at all.

use reqwest::StatusCode;
use serde_json::Value;

/// The sentence that WCL writes into the body for a character without a class.
pub const NO_CLASS: &str = "No class set for this character";

/// An answer that could be read.
#[derive(Debug, Default)]
pub struct Body {
    /// GraphQL's `data`; null where there is none.
    pub data: Value,
    /// GraphQL's `errors`.
    pub errors: Vec<Value>,
    /// Whether [`NO_CLASS`] stood around the JSON.
    pub says_no_class: bool,
}

impl Body {
    /// The message of the first entry of `errors`.
    pub fn first_error(&self) -> Option<String> {
        self.errors.first().map(message_of)
    }

    /// The part of the answer called `alias`, below the root question `root`.
    pub fn part(&self, root: &str, alias: &str) -> Option<&Value> {
        self.data.get(root).and_then(|root| root.get(alias))
    }

    /// The error of what stands at `path` (below the root question), or of anything in it.
    pub fn error_in(&self, path: &[&str]) -> Option<String> {
        self.error_in_but(path, &[])
    }

    /// The same, but for what stands at one of the `spared` fields there.
    pub fn error_in_but(&self, path: &[&str], spared: &[String]) -> Option<String> {
        self.error_where(|told| {
            let is_spared = |step: &Value| spared.iter().any(|spared| step == spared);
            told.len() >= path.len()
                && told.iter().zip(path).all(|(told, step)| told == step)
                && !told.get(path.len()).is_some_and(is_spared)
        })
    }

    /// The error of all that stands at `path` (below the root question).
    pub fn error_at(&self, path: &[&str]) -> Option<String> {
        self.error_where(|told| told.len() == path.len() && told.iter().zip(path).all(|(told, step)| told == step))
    }

    fn error_where(&self, concerns: impl Fn(&[Value]) -> bool) -> Option<String> {
        let found = self.errors.iter().find(|error| concerns(path_of(error).get(1..).unwrap_or_default()));
        found.map(message_of)
    }

    /// The first error that does not say which part of the question it is about.
    pub fn error_of_nobody(&self) -> Option<String> {
        self.errors.iter().find(|error| path_of(error).len() < 2).map(message_of)
    }

    /// Why the answer is of no use to anybody, if it lacks the root question `root`.
    pub fn whole_failure(&self, root: &str) -> Option<String> {
        if self.data.get(root).is_some_and(Value::is_object) {
            return None;
        }
        Some(self.first_error().unwrap_or_else(|| "an answer without data".to_owned()))
    }
}

/// The `message` of an entry of `errors`.
fn message_of(error: &Value) -> String {
    error.get("message").and_then(Value::as_str).unwrap_or("an error without a message").to_owned()
}

/// Where in the answer an entry of `errors` belongs.
fn path_of(error: &Value) -> &[Value] {
    error.get("path").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The names with which an answer's JSON may begin: the API's, and the token endpoint's.
const BEGINNINGS: [&str; 8] =
    ["data", "errors", "error", "status", "extensions", "access_token", "token_type", "expires_in"];
/// The JSON object that is the body, or that stands in it: after a byte order mark or a notice, or between sentences.
/// Only the first place where an answer could begin counts: what follows in an answer that is cut off is a part of it.
pub fn json_in(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        return whole.is_object().then_some(whole);
    }
    let begins = |at: &usize| {
        let name = text[at + 1..].trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        name.is_some_and(|name| BEGINNINGS.contains(&name))
    };
    let at = text.match_indices('{').map(|(at, _)| at).find(begins)?;
    serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok()
}

/// The HTTP status that an answer without data tells of itself, such as `{"status":429,"error":…}`.
pub fn status_in(answer: &Value) -> Option<StatusCode> {
    let status = answer.get("data").is_none().then(|| answer.get("status")?.as_u64()?.try_into().ok()).flatten()?;
    StatusCode::from_u16(status).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_whatever_stands_around_it() {
        let sentence = "No class set for this character. Click the Update button in the upper right.";
        let good = Some(json!({"data": {"a": 1}}));
        for body in [
            r#"{"data":{"a":1}}"#.to_owned(),
            "\u{feff}{ \"data\": {\"a\":1}}".to_owned(),
            format!(r#"{sentence}{{"data":{{"a":1}}}}{sentence}"#),
            "<html><style>b { color: red }</style>Maintenance tonight</html>\n{\"data\":{\"a\":1}}".to_owned(),
            "<script>let x = {\"a\":1};</script>{\"data\":{\"a\":1}}".to_owned(),
        ] {
            assert_eq!(json_in(&body), good, "{body}");
        }
        let cut_off = r#"{"data":{"characterData":{"p1":{"z40d5":{"error":"no"}"#;
        for body in [sentence, "{\"cut", "[1]", "", "<html><script>let x = {\"a\":1};</script></html>", cut_off] {
            assert_eq!(json_in(body), None, "{body}");
        }
    }

    #[test]
    fn many_braces_take_no_time() {
        assert_eq!(json_in(&"{\"data\":[".repeat(100_000)), None);
    }

    #[test]
    fn a_status_counts_only_where_no_data_is() {
        assert_eq!(status_in(&json!({"status": 429, "error": "slow down"})), Some(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(status_in(&json!({"status": 429, "data": {}})), None);
        assert_eq!(status_in(&json!({"error": "x"})), None);
    }

    #[test]
    fn errors_are_found_by_their_path() {
        let body = Body {
            errors: vec![
                json!({"message": "pair", "path": ["characterData", "p3", "z40d5"]}),
                json!({"message": "player", "path": ["characterData", "p4"]}),
                json!({"message": "nobody"}),
            ],
            ..Body::default()
        };
        assert_eq!(body.error_in(&["p3", "z40d5"]).as_deref(), Some("pair"));
        assert_eq!(body.error_in(&["p3"]).as_deref(), Some("pair"));
        assert_eq!(body.error_in_but(&["p3"], &["z44d5".to_owned()]).as_deref(), Some("pair"));
        assert_eq!(body.error_in_but(&["p3"], &["z40d5".to_owned()]), None);
        assert_eq!(body.error_in_but(&["p4"], &["z40d5".to_owned()]).as_deref(), Some("player"));
        assert_eq!(body.error_at(&["p3"]), None);
        assert_eq!(body.error_in(&["p4", "z40d5"]), None);
        assert_eq!(body.error_at(&["p4"]).as_deref(), Some("player"));
        assert_eq!(body.error_of_nobody().as_deref(), Some("nobody"));
    }
}
