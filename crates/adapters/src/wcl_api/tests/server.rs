//! A server over HTTP/1.1 that gives out tokens and answers questions as a test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parsebook_core::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wcl_api::{WclApi, parse_keys};
use parsebook_test_support::clock::SimulatedClock;

/// An answer, or none.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
    pub delay: Duration,
}

impl Answer {
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, head: String::new(), body: body.into(), delay: Duration::ZERO }
    }

    pub fn json(answer: &Value) -> Self {
        Self::text(200, answer.to_string())
    }
}

/// The secret of the only key.
pub const SECRET: &str = "hush0Secret1Of2The3Key";
/// The token that the server gives out.
pub const TOKEN: &str = "t0k4en5Of6Th1s7S3rv";

/// A running server; it ends with the test's runtime.
pub struct Server {
    pub base: String,
    pub clock: SimulatedClock,
    asked: Arc<Mutex<Vec<String>>>,
    answered: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each question by `answer`, which gets the GraphQL and how many questions came before.
    pub async fn start(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let granted = || Answer::json(&json!({"access_token": TOKEN, "expires_in": 3600}));
        Self::with_tokens(granted, answer).await
    }

    /// The same; questions for a token are answered by `token`.
    pub async fn with_tokens(
        token: impl Fn() -> Answer + Send + Sync + 'static,
        answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            base,
            clock: SimulatedClock::starting_at(Timestamp::UNIX_EPOCH),
            asked: Arc::default(),
            answered: Arc::default(),
        };
        let (asked, answered) = (server.asked.clone(), server.answered.clone());
        let (token, answer) = (Arc::new(token), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(connection, asked.clone(), answered.clone(), token.clone(), answer.clone()));
            }
        });
        server
    }

    pub fn api(&self) -> WclApi<SimulatedClock> {
        let keys = json!([{"name": "main", "clientId": "id", "clientSecret": SECRET}]);
        let keys = parse_keys(&keys.to_string()).unwrap();
        WclApi::new(&self.base, "test", keys, self.clock.clone()).unwrap()
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut connection: TcpStream,
    asked: Arc<Mutex<Vec<String>>>,
    answered: Arc<AtomicUsize>,
    token: Arc<impl Fn() -> Answer>,
    answer: Arc<impl Fn(&str, usize) -> Answer>,
) {
    let mut request = Vec::new();
    let is_whole = |request: &str| {
        let (head, body) = request.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        Some(body.len() == length.parse::<usize>().unwrap())
    };
    while is_whole(str::from_utf8(&request).unwrap()) != Some(true) {
        if connection.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let answer = if request.contains("/oauth/token") {
        token()
    } else {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let query = body["query"].as_str().unwrap().to_owned();
        asked.lock().unwrap().push(query.clone());
        answer(&query, answered.fetch_add(1, Ordering::Relaxed))
    };
    tokio::time::sleep(answer.delay).await;
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n",
        answer.status,
        answer.body.len(),
        answer.head
    );
    // A client that has read enough hangs up.
    let _ = connection.write_all((head + &answer.body).as_bytes()).await;
}
