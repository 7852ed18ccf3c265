//! The Warcraft Logs API: a pool of keys, points, and the questions parsebook asks.
//!
//! One request carries many characters and many raids + difficulties by aliases, and the points reading with them,
//! where it costs nothing. Formats, costs and traps: the project's facts on Warcraft Logs, section B.

mod answers;
mod keys;
mod questions;
mod transport;

use parsebook_core::ports::{
    ApiError, Clock, KeyPoints, KeyPool, RankOutcome, RankSource, Ranked, Report, Reports, ReportsWindow, Zone, Zones,
};
use parsebook_core::scrap::Discovered;
use parsebook_core::{RaidId, Timestamp};
use reqwest::Client;
use url::Url;

pub use self::keys::{ApiKey, parse_keys};
use self::keys::{KeyState, Reading};
use self::transport::{Body, Failure, Slow};
use crate::http;
use crate::text::excerpt;

/// The API behind `WCL_URL`.
#[derive(Debug)]
pub struct WclApi<C> {
    client: Client,
    base: Url,
    keys: Vec<KeyState>,
    clock: C,
    stamp: Option<Timestamp>,
}

/// Most characters in one request. No limit is published; 25 are known to work.
const PLAYERS_PER_REQUEST: usize = 25;
/// Most raid + difficulty pairs in one request.
const PAIRS_PER_REQUEST: usize = 75;
/// Requests without an answer, one after the other, before a chunk is given up: halving 25 players takes five.
const MOST_UNANSWERED: u32 = 6;
/// Reports of one request; their characters and kills come with them.
const REPORTS_PER_PAGE: u32 = 25;
/// A report is listed by its start: one that began this long before the window may still have gone on in it.
const LONGEST_REPORT_HOURS: i64 = 12;

impl<C: Clock> WclApi<C> {
    /// The API at `base`, asked as `user_agent` with `keys`.
    ///
    /// # Errors
    /// When `base` or `user_agent` is malformed.
    pub fn new(base: &str, user_agent: &str, keys: Vec<ApiKey>, clock: C) -> anyhow::Result<Self> {
        let keys = keys.into_iter().map(KeyState::new).collect();
        Ok(Self { client: http::client(user_agent)?, base: http::base_url(base)?, keys, clock, stamp: None })
    }

    /// Dates every rank `stamp` instead of the moment it was read: the same answers then make the same files.
    #[must_use]
    pub fn stamping(mut self, stamp: Option<Timestamp>) -> Self {
        self.stamp = stamp;
        self
    }

    fn key(&self, name: &str) -> Result<&KeyState, ApiError> {
        self.keys
            .iter()
            .find(|key| key.name() == name)
            .ok_or_else(|| ApiError::Failed(anyhow::anyhow!("no key is named {name:?}")))
    }

    /// The first key that is not known to be short of `points`; the first of all if every one is.
    async fn key_for(&self, points: f64) -> Result<&KeyState, ApiError> {
        let readings = KeyPool::points(self).await?;
        let able = readings.iter().find(|key| key.remaining >= points);
        match able.or(readings.first()) {
            Some(reading) if reading.remaining >= points => self.key(&reading.key),
            _ => Err(ApiError::PointsExhausted {
                resets_at: readings.iter().map(|key| key.resets_at).min().unwrap_or_else(|| self.clock.now()),
            }),
        }
    }

    /// Asks one question for which an answer without data is a failure.
    async fn ask_whole(&self, key: &KeyState, query: &str, cost: f64) -> Result<serde_json::Value, ApiError> {
        let body = self.ask(key, query, cost, Slow::Again).await.map_err(Failure::into_api_error)?;
        match body.first_error() {
            Some(message) => Err(ApiError::Failed(anyhow::anyhow!("the API answered: {}", excerpt(&message)))),
            None => Ok(body.data),
        }
    }

    /// Ranks as many players as one request carries. Where one of them spoils the answer, the request is halved until
    /// that one is alone with it.
    async fn rank_chunk(&self, key: &KeyState, players: &[Discovered], ranked: &mut Ranked) -> Result<(), ApiError> {
        let mut waiting = vec![players];
        let mut unanswered = 0;
        while let Some(players) = waiting.pop() {
            let (query, cost) = questions::rank(players);
            let problem = match self.ask(key, &query, cost, Slow::CutSmaller).await {
                Ok(body) => match body.whole_failure() {
                    None => {
                        unanswered = 0;
                        ranked.points_spent += cost;
                        self.read_answers(players, &body, ranked, &mut waiting);
                        continue;
                    }
                    Some(error) => RankOutcome::Failed(error),
                },
                Err(Failure::Spoiled(body)) => spoiled(&body),
                Err(Failure::Unanswered(error)) => {
                    unanswered += 1;
                    // Halving down to one player and still no answer to the others: it is not one player's fault.
                    if unanswered > MOST_UNANSWERED {
                        return Err(ApiError::Failed(error));
                    }
                    RankOutcome::Failed(format!("{error:#}"))
                }
                Err(failure) => return Err(failure.into_api_error()),
            };
            match players {
                [only] => ranked.outcomes.push((only.id, problem)),
                several => {
                    let (left, right) = several.split_at(several.len() / 2);
                    waiting.extend([right, left]);
                }
            }
        }
        Ok(())
    }

    fn read_answers<'p>(
        &self,
        players: &'p [Discovered],
        body: &Body,
        ranked: &mut Ranked,
        waiting: &mut Vec<&'p [Discovered]>,
    ) {
        let ranked_at = self.stamp.unwrap_or_else(|| self.clock.now());
        for (player, alone) in players.iter().zip(players.chunks(1)) {
            match answers::player(player, body, players.len() == 1, ranked_at) {
                Some(outcome) => ranked.outcomes.push((player.id, outcome)),
                None => waiting.push(alone),
            }
        }
    }
}

/// The answer to one character alone could not be read as JSON.
fn spoiled(body: &str) -> RankOutcome {
    if body.contains(transport::NO_CLASS) {
        RankOutcome::Never("no class set")
    } else {
        RankOutcome::Failed(format!("the answer is not JSON: {}", excerpt(body)))
    }
}

impl<C: Clock> KeyPool for WclApi<C> {
    async fn points(&self) -> Result<Vec<KeyPoints>, ApiError> {
        let mut readings = Vec::with_capacity(self.keys.len());
        let mut failure = None;
        for key in &self.keys {
            match self.reading(key).await {
                Ok(reading) => readings.push(reading.of(key.name())),
                Err(ApiError::PointsExhausted { resets_at }) => {
                    readings.push(Reading::exhausted(resets_at).of(key.name()))
                }
                // The refusal is meant for this program, not for a key: no other key is tried.
                Err(error @ ApiError::Refused(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(key = key.name(), %error, "key left out");
                    failure.get_or_insert(error);
                }
            }
        }
        match failure {
            Some(failure) if readings.is_empty() => Err(failure),
            None if readings.is_empty() => Err(ApiError::Failed(anyhow::anyhow!("WCL_API_KEYS names no key"))),
            _ => Ok(readings),
        }
    }
}

impl<C: Clock> RankSource for WclApi<C> {
    async fn rank(&self, key: &str, players: &[Discovered]) -> Ranked {
        let mut ranked = Ranked::default();
        let key = match self.key(key) {
            Ok(key) => key,
            Err(error) => {
                ranked.stopped = Some(error);
                return ranked;
            }
        };
        for chunk in questions::chunks(players, PLAYERS_PER_REQUEST, PAIRS_PER_REQUEST) {
            if let Err(error) = self.rank_chunk(key, chunk, &mut ranked).await {
                ranked.stopped = Some(error);
                break;
            }
        }
        ranked
    }
}

impl<C: Clock> Zones for WclApi<C> {
    async fn zone(&self, raid: RaidId) -> Result<Option<Zone>, ApiError> {
        let (query, cost) = questions::zone(raid);
        let data = self.ask_whole(self.key_for(cost).await?, &query, cost).await?;
        Ok(answers::zone(raid, &data)?)
    }
}

impl<C: Clock> Reports for WclApi<C> {
    async fn reports_page(&self, window: &ReportsWindow, page: u32) -> Result<(Vec<Report>, bool), ApiError> {
        let begun_after = window.since.map(|since| since - chrono::TimeDelta::hours(LONGEST_REPORT_HOURS));
        let (query, cost) = questions::reports(window.raid, begun_after, window.until, page, REPORTS_PER_PAGE);
        let key = self.key_for(cost).await?;
        let body = self.ask(key, &query, cost, Slow::Again).await.map_err(Failure::into_api_error)?;
        // A private report spoils only itself: the page counts as long as the list is there.
        Ok(answers::reports(&body, window.since)?)
    }
}

impl<C: Clock> WclApi<C> {
    /// What the key has: a fresh reading if there is one, else the API's answer (1 point).
    async fn reading(&self, key: &KeyState) -> Result<Reading, ApiError> {
        let _one_at_a_time = key.refresh.lock().await;
        if let Some(reading) = key.fresh_reading(self.clock.now()) {
            return Ok(reading);
        }
        let body: Body = self.ask(key, questions::POINTS, 1.0, Slow::Again).await.map_err(Failure::into_api_error)?;
        key.fresh_reading(self.clock.now()).ok_or_else(|| {
            let said = body.first_error().unwrap_or_else(|| "no rateLimitData".to_owned());
            ApiError::Failed(anyhow::anyhow!("no points reading for key {:?}: {}", key.name(), excerpt(&said)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use parsebook_core::scrap::RaidsToScrap;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::clock::SystemClock;

    /// Requests about character 3.
    static UNANSWERED: AtomicUsize = AtomicUsize::new(0);

    /// Answers one request: with a token, with nobody, or never when it is about character 3.
    async fn answer(mut connection: TcpStream) {
        let mut request = Vec::new();
        let is_whole = |request: &str| {
            let (head, body) = request.split_once("\r\n\r\n")?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            Some(body.len() == length.parse::<usize>().unwrap())
        };
        while is_whole(str::from_utf8(&request).unwrap()) != Some(true) {
            let read = connection.read_buf(&mut request).await.unwrap();
            assert!(read > 0, "the request ends early");
        }
        let request = String::from_utf8(request).unwrap();
        let body = match request.contains("/oauth/token") {
            true => r#"{"access_token": "t", "expires_in": 3600}"#,
            false => r#"{"data": {"characterData": {"p1": null, "p2": null, "p4": null, "p5": null}}}"#,
        };
        if request.contains("p3: ") {
            UNANSWERED.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn a_character_that_takes_too_long_costs_its_batch_one_wait_per_halving() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", server.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                tokio::spawn(answer(server.accept().await.unwrap().0));
            }
        });
        let keys = parse_keys(r#"[{"name": "main", "clientId": "id", "clientSecret": "hush"}]"#).unwrap();
        let mut api = WclApi::new(&base, "test", keys, SystemClock).unwrap();
        api.client = Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
        let players: Vec<_> = (1..=5).map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }).collect();
        let ranked = api.rank("main", &players).await;
        serving.abort();
        assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
        let failed = |outcome: &RankOutcome| matches!(outcome, RankOutcome::Failed(_));
        let failed: Vec<_> = ranked.outcomes.iter().filter(|(_, outcome)| failed(outcome)).map(|(id, _)| *id).collect();
        assert_eq!((ranked.outcomes.len(), failed), (5, vec![3]));
        assert_eq!(UNANSWERED.load(Ordering::Relaxed), 3, "all five, the last three, the one");
    }
}
