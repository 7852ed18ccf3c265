//! The account's quota of concurrent executions, of which a part must stay unreserved.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{self, Request, Upstream};
use super::call::Call;
use super::state::{Inner, quota};
use super::transitions;

pub(super) async fn answer(inner: &Inner, call: &Call, request: Request) -> Response {
    let Some(quota) = quota(inner) else { return inner.upstream.pass(request).await };
    let Call::PutFunctionConcurrency { function } = call else {
        let reserved = reserved(&inner.upstream, None).await;
        let left = quota.0.saturating_sub(reserved);
        let limit = json!({ "ConcurrentExecutions": quota.0, "UnreservedConcurrentExecutions": left });
        return answer::answered(StatusCode::OK, &json!({ "AccountLimit": limit, "AccountUsage": {} }));
    };
    if let Some(refusal) = transitions::conflict(inner, function) {
        return refusal;
    }
    let wanted = request.json()["ReservedConcurrentExecutions"].as_u64().unwrap_or_default();
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    match quota.check(reserved(&inner.upstream, Some(function)).await, wanted) {
        Ok(()) => inner.upstream.pass(request).await,
        Err(message) => inner.refuse(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &message),
    }
}

/// What functions of the account have reserved, but for `besides`.
async fn reserved(upstream: &Upstream, besides: Option<&str>) -> u32 {
    let functions = upstream.get("lambda", "/2015-03-31/functions/").await;
    let mut sum = 0;
    for function in functions["Functions"].as_array().into_iter().flatten() {
        let Some(name) = function["FunctionName"].as_str().filter(|name| Some(*name) != besides) else { continue };
        let answer: Value = upstream.get("lambda", &format!("/2019-09-30/functions/{name}/concurrency")).await;
        let reserved = answer["ReservedConcurrentExecutions"].as_u64().unwrap_or_default();
        sum += u32::try_from(reserved).unwrap_or(u32::MAX);
    }
    sum
}

#[cfg(test)]
mod tests {
    use crate::strict::state::Quota;

    #[test]
    fn a_hundred_stay_unreserved_and_of_ten_all() {
        assert_eq!(Quota(1000).check(0, 900), Ok(()));
        assert_eq!(Quota(106).check(1, 5), Ok(()));
        assert!(Quota(1000).check(0, 901).unwrap_err().contains("below its minimum value of [100]"));
        assert!(Quota(106).check(2, 5).is_err());
        assert!(Quota(10).check(0, 1).unwrap_err().contains("below its minimum value of [10]"));
        // Nothing can always be reserved: that is how a function is stopped.
        assert_eq!(Quota(10).check(0, 0), Ok(()));
    }
}
