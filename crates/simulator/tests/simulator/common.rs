//! What every test against a running simulator needs: a client that asks for tokens, queries and pages.

use chrono::DateTime;
use parsebook_simulator::{Config, Handle, SimulatedClock, Simulator, World};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// A running simulator with a client that follows no redirect.
pub struct Site {
    pub handle: Handle,
    pub http: Client,
    pub token: String,
}

impl Site {
    /// Starts a simulator of a small made-up world, changed by `adapt`.
    pub async fn start(adapt: impl FnOnce(&mut Config)) -> Self {
        Self::of(World::generate(600, 7), adapt).await
    }

    /// Starts a simulator of this world.
    pub async fn of(world: World, adapt: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(world);
        adapt(&mut config);
        let client = config.clients[0].clone();
        let handle = Simulator::start(config).await.unwrap();
        // Nothing is encrypted here, but reqwest wants to know by what.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut site = Self { handle, http, token: String::new() };
        site.token = site.token_for(&client.id, &client.secret).await;
        site
    }

    pub fn world(&self) -> &World {
        self.handle.world()
    }

    pub async fn token_for(&self, id: &str, secret: &str) -> String {
        let answer = self
            .http
            .post(format!("{}/oauth/token", self.handle.url()))
            .basic_auth(id, Some(secret))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends a query and hands back the bare response.
    pub async fn send(&self, query: &str) -> Response {
        self.try_send(query).await.unwrap()
    }

    pub async fn try_send(&self, query: &str) -> reqwest::Result<Response> {
        self.http
            .post(format!("{}/api/v2/client", self.handle.url()))
            .bearer_auth(&self.token)
            .json(&json!({ "query": query }))
            .send()
            .await
    }

    /// Sends a query that has to be answered with JSON and status 200.
    pub async fn ask(&self, query: &str) -> Value {
        let answer = self.send(query).await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Asks for the rankings of one character with further arguments.
    pub async fn rankings(&self, id: i32, arguments: &str) -> Value {
        let answer = self
            .ask(&format!("{{ characterData {{ character(id: {id}) {{ hidden zoneRankings({arguments}) }} }} }}"))
            .await;
        answer["data"]["characterData"]["character"]["zoneRankings"].clone()
    }

    /// Points spent in this hour, by the API's own word.
    pub async fn spent(&self) -> f64 {
        let answer = self.ask("{ rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn } }").await;
        answer["data"]["rateLimitData"]["pointsSpentThisHour"].as_f64().unwrap()
    }

    /// Loads a ranking page of the contract's address.
    pub async fn page(&self, board: &Board, page: usize) -> Response {
        self.try_page(board, page).await.unwrap()
    }

    pub async fn try_page(&self, board: &Board, page: usize) -> reqwest::Result<Response> {
        let Board { raid, difficulty, size, partition } = board;
        let url = self.handle.url();
        let path = format!("{raid}/playerspeed/-1/{difficulty}/{size}/{partition}/Any/Any/0/0/0/0/0/");
        self.http.get(format!("{url}/zone/rankings/table/{path}?search=&page={page}")).send().await
    }

    pub async fn page_text(&self, board: &Board, page: usize) -> String {
        let answer = self.page(board, page).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }
}

/// A ranking board's place in the address.
#[derive(Debug, Clone, Copy)]
pub struct Board {
    pub raid: i32,
    pub difficulty: u8,
    pub size: u8,
    pub partition: i32,
}

/// The board of the newest made-up raid in Normal.
pub const NORMAL: Board = Board { raid: 62, difficulty: 3, size: 10, partition: 2 };

/// Character ids linked from rows of a page.
pub fn linked_ids(page: &str) -> Vec<i32> {
    page.split("<tr id=\"row--1-")
        .skip(1)
        .filter_map(|row| row.split_once("href=\"/character/id/"))
        .filter_map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .collect()
}

/// A fixed time and a clock that stands there.
pub fn test_clock() -> SimulatedClock {
    SimulatedClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}
