//! Running the scripts, and an account of the emulator.

use std::process::{Command, Stdio};

pub use parsebook_test_support::documentation::root;
use parsebook_test_support::http;
use parsebook_test_support::process::server_variable;
use serde_json::{Value, json};

/// The template's path.
pub fn template() -> String {
    root().join("infra/template.yaml").display().to_string()
}

/// What a script wrote, and whether it succeeded.
#[derive(Debug)]
pub struct Told {
    pub succeeded: bool,
    pub output: String,
    pub errors: String,
}

/// One of `scripts/aws`, on the account at `endpoint`; `None` (said on standard error) where its Python is not installed.
pub fn python(script: &str, endpoint: &str) -> Option<Command> {
    let mut command = Command::new(server_variable("PARSEBOOK_LINT_PYTHON")?);
    command
        .arg(root().join("scripts/aws").join(script))
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    Some(command)
}

pub fn told_by(command: &mut Command) -> Told {
    let output = command.output().unwrap();
    Told {
        succeeded: output.status.success(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An account, asked as the SDKs ask.
pub struct Account {
    pub url: String,
    client: reqwest::Client,
}

impl Account {
    pub fn at(url: String) -> Self {
        Self { url, client: http::client() }
    }

    async fn send(&self, request: reqwest::RequestBuilder, service: &str) -> (u16, String) {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request");
        let answer = request.header("Authorization", credential).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A service with the JSON protocol.
    pub async fn json(&self, service: &str, target: &str, body: Value) -> (u16, Value) {
        let request = self.client.post(&self.url).header("X-Amz-Target", target);
        let request = request.header("Content-Type", "application/x-amz-json-1.1").body(body.to_string());
        let (status, text) = self.send(request, service).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// A service with the query protocol.
    pub async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        self.send(self.client.post(&self.url).form(parameters), service).await.1
    }

    /// A service with paths; answers the status.
    pub async fn path(&self, service: &str, method: reqwest::Method, path: &str, body: Value) -> u16 {
        let request = self.client.request(method, format!("{}{path}", self.url)).json(&body);
        self.send(request, service).await.0
    }

    pub async fn put_secret(&self, name: &str, kind: &str, value: &str) {
        let body = json!({ "Name": name, "Type": kind, "Value": value, "Overwrite": true });
        self.json("ssm", "AmazonSSM.PutParameter", body).await;
    }

    pub async fn has_secret(&self, name: &str) -> bool {
        self.json("ssm", "AmazonSSM.GetParameter", json!({ "Name": name })).await.0 == 200
    }
}
