//! Which call of AWS a request is.

use axum::http::{HeaderMap, Method, Uri};

/// The calls that the proxy treats in a way of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    GetAccountSettings,
    PutFunctionConcurrency {
        function: String,
    },
    UpdateFunction {
        function: String,
    },
    UpdateMapping {
        id: String,
    },
    /// Lists or gets mappings.
    ReadMappings,
    OtherControlPlane,
    SendMessages,
    PutMetrics,
    Other,
}

impl Call {
    pub(super) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        if !target.is_empty() {
            return match target {
                "AmazonSQS.SendMessage" | "AmazonSQS.SendMessageBatch" => Self::SendMessages,
                "GraniteServiceVersion20100801.PutMetricData" => Self::PutMetrics,
                _ => Self::Other,
            };
        }
        let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        // Lambda's paths begin with a version of its API; no other service that is used here does that.
        let Some((version, parts)) = parts.split_first() else { return Self::Other };
        let is_version = version.len() == 10 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !is_version {
            return Self::Other;
        }
        let name = |text: &str| text.rsplit(':').next().unwrap_or_default().to_owned();
        match (method.as_str(), parts) {
            // Not of the control plane's 15 a second (Lambda's developer guide, "Lambda quotas").
            ("POST", ["functions", _, "invocations"]) | ("GET", ["functions", _] | ["functions", _, "policy"]) => {
                Self::Other
            }
            ("GET", ["account-settings"]) => Self::GetAccountSettings,
            ("PUT", ["functions", function, "concurrency"]) => {
                Self::PutFunctionConcurrency { function: name(function) }
            }
            ("PUT", ["functions", function, "code" | "configuration"]) => {
                Self::UpdateFunction { function: name(function) }
            }
            ("PUT", ["event-source-mappings", id]) => Self::UpdateMapping { id: (*id).to_owned() },
            ("GET", ["event-source-mappings", ..]) => Self::ReadMappings,
            _ => Self::OtherControlPlane,
        }
    }

    /// The name under which a call of Lambda's control plane is counted; `None` for everything else.
    pub(super) fn control_plane(&self) -> Option<&'static str> {
        match self {
            Self::GetAccountSettings => Some("GetAccountSettings"),
            Self::PutFunctionConcurrency { .. } => Some("PutFunctionConcurrency"),
            Self::UpdateFunction { .. } => Some("UpdateFunction"),
            Self::UpdateMapping { .. } => Some("UpdateEventSourceMapping"),
            Self::ReadMappings => Some("ListEventSourceMappings"),
            Self::OtherControlPlane => Some("other"),
            Self::SendMessages | Self::PutMetrics | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Call {
        Call::of(&method.parse().unwrap(), &path.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn calls_are_told_by_method_and_path() {
        let function = || "player-rank".to_owned();
        for (method, path, call) in [
            (
                "PUT",
                "/2017-10-31/functions/player-rank/concurrency",
                Call::PutFunctionConcurrency { function: function() },
            ),
            (
                "PUT",
                "/2017-10-31/functions/arn:aws:lambda:eu-west-1:0:function:player-rank/concurrency",
                Call::PutFunctionConcurrency { function: function() },
            ),
            ("PUT", "/2015-03-31/functions/player-rank/code", Call::UpdateFunction { function: function() }),
            ("PUT", "/2015-03-31/event-source-mappings/m-1", Call::UpdateMapping { id: "m-1".into() }),
            ("GET", "/2015-03-31/event-source-mappings/?FunctionName=x", Call::ReadMappings),
            ("GET", "/2016-08-19/account-settings/", Call::GetAccountSettings),
            ("GET", "/2019-09-30/functions/player-rank/concurrency", Call::OtherControlPlane),
            ("GET", "/2015-03-31/functions/player-rank", Call::Other),
            ("POST", "/2015-03-31/functions/player-rank/invocations", Call::Other),
            ("POST", "/schedules/wake", Call::Other),
            ("GET", "/", Call::Other),
        ] {
            assert_eq!(of(method, path), call, "{method} {path}");
        }
    }

    #[test]
    fn services_with_targets_are_not_of_lambda() {
        let headers = |target: &str| HeaderMap::from_iter([("x-amz-target".parse().unwrap(), target.parse().unwrap())]);
        let of = |target| Call::of(&Method::POST, &Uri::from_static("/"), &headers(target));
        assert_eq!(of("AmazonSQS.SendMessageBatch"), Call::SendMessages);
        assert_eq!(of("AmazonSQS.ReceiveMessage"), Call::Other);
        assert_eq!(of("GraniteServiceVersion20100801.PutMetricData"), Call::PutMetrics);
        assert_eq!(of("AmazonSSM.GetParameter").control_plane(), None);
    }
}
