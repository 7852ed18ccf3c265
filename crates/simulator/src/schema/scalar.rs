//! The `JSON` scalar: text that is already JSON, copied into the answer as it stands.

use async_graphql::indexmap::IndexMap;
use async_graphql::{InputValueError, InputValueResult, Name, Scalar, ScalarType, Value};

/// serde_json's mark for raw JSON; async-graphql's `raw_value` feature writes such an object as its bare content.
const RAW: &str = "$serde_json::private::RawValue";

/// Ready JSON text.
pub(super) struct Json(pub String);

#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(_: Value) -> InputValueResult<Self> {
        Err(InputValueError::custom("JSON is an output type"))
    }

    fn to_value(&self) -> Value {
        Value::Object(IndexMap::from([(Name::new(RAW), Value::String(self.0.clone()))]))
    }
}

/// The failure that stands inside the scalar, with HTTP 200.
pub(super) fn error(message: &str) -> Json {
    Json(serde_json::json!({ "error": message }).to_string())
}
