//! What the API of Warcraft Logs answers, read by the client as it is: over HTTP, from a server that answers each question
//! with the bytes at hand.
//!
//! The first byte says how it answers ([`status`]); the rest are bodies, one after the other for the questions of a run,
//! with an empty line between. Points and tokens are answered well where they are not what is tried.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parsebook_adapters::wcl_api::{WclApi, parse_keys};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Clock, KeyPool, RankSource, ReportLists, ReportRanks, Wanted, Zones};
use parsebook_core::report::{Metric, RankPart, ReportQuestion, Window};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Requests after which an answer counts as one that is asked for without end.
const MOST_REQUESTS: u32 = 400;
/// Between two runs: what a run has learnt of its key is out of date then.
const BETWEEN_RUNS: Duration = Duration::from_secs(3 * 3600);

const GOOD_TOKEN: &[u8] = br#"{"access_token":"t","expires_in":3600}"#;
const GOOD_POINTS: &[u8] =
    br#"{"data":{"rateLimitData":{"limitPerHour":3600,"pointsSpentThisHour":0,"pointsResetIn":3600}}}"#;

/// Ranks of two players, one of a class that is known to heal.
pub fn players(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| {
        let mut raids_to_scrap = RaidsToScrap::one(44, 4);
        raids_to_scrap.insert(40, 5);
        let player = |id, class_id| {
            let discovered = Discovered { id, raids_to_scrap: raids_to_scrap.clone() };
            Wanted { discovered, class_id }
        };
        let players = [player(1, Some(6)), player(2, None)];
        let ranked = api.rank("main", &players).await;
        assert!(ranked.outcomes.len() <= players.len(), "{:?}", ranked.outcomes);
    });
}

/// Characters and kills of two reports.
pub fn reports(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| {
        let codes = ["a".to_owned(), "b".to_owned()];
        if let Ok(details) = api.details(&codes).await {
            assert!(details.len() <= codes.len(), "{details:?}");
        }
    });
}

/// Ranks of everybody in two reports.
pub fn ranks(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| {
        let question = |code: &str, difficulty| ReportQuestion {
            code: code.to_owned(),
            parts: Metric::ALL.map(|metric| RankPart { metric, difficulty }).to_vec(),
        };
        drop(api.rank_reports("main", &[question("a", None), question("b", Some(4))]).await);
    });
}

/// A list of reports.
pub fn list(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| {
        let window = Window { raid: 44, from: Timestamp::UNIX_EPOCH, to: Timestamp::UNIX_EPOCH + BETWEEN_RUNS };
        drop(api.list(&window, 1).await);
    });
}

/// A raid's name, bosses and partitions.
pub fn zone(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| drop(api.zone(44).await));
}

/// A reading of points.
pub fn points(bytes: &[u8]) {
    run(bytes, Tried::Points, async |api| {
        for key in api.points().await.into_iter().flatten() {
            assert!(key.remaining >= 0.0 && key.remaining.is_finite(), "{key:?}");
        }
    });
}

/// The answer to a login. What it grants is never told.
pub fn token(bytes: &[u8]) {
    run(bytes, Tried::Token, async |api| {
        let Err(error) = api.points().await else { return };
        assert!(!format!("{error:#} {error:?}").contains("hush"), "{error}");
    });
}

/// Everything that a calibration asks.
pub fn calibrate(bytes: &[u8]) {
    run(bytes, Tried::Answer, async |api| {
        if let Ok(calibrated) = api.calibrate(44).await {
            let written = serde_json::to_string(&calibrated);
            assert!(written.is_ok(), "{written:?}");
        }
    });
}

/// Which answer consists of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Answer,
    Points,
    Token,
}

/// What the server answers in this run.
#[derive(Debug)]
struct Script {
    head: &'static str,
    bodies: Vec<Vec<u8>>,
    tried: Tried,
    requests: u32,
    answered: usize,
}

/// How the server answers, by the first byte.
fn status(first: u8) -> &'static str {
    match first {
        b'b' => "429 Too Many Requests\r\nretry-after: 1",
        b'h' => "429 Too Many Requests\r\nretry-after: 1036",
        b'5' => "502 Bad Gateway",
        b'3' => "403 Forbidden",
        b'u' => "401 Unauthorized",
        b'p' => "413 Payload Too Large",
        _ => "200 OK",
    }
}

/// A clock that a run moves, so that nothing waits.
#[derive(Debug, Clone, Default)]
struct HastyClock(Arc<AtomicI64>);

impl HastyClock {
    fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::Relaxed).unsigned_abs())
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

/// The server and its client, made once for a thread.
struct Loopback {
    runtime: Runtime,
    script: Arc<Mutex<Script>>,
    clock: HastyClock,
    api: WclApi<HastyClock>,
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loopback {
    fn start() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).ok()?;
        let base = format!("http://{}", listener.local_addr().ok()?);
        let script = Script { head: "", bodies: Vec::new(), tried: Tried::Answer, requests: 0, answered: 0 };
        let script = Arc::new(Mutex::new(script));
        let served = script.clone();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, served.clone()));
            }
        });
        let keys = parse_keys(r#"[{"name":"main","clientId":"keeper","clientSecret":"hush"}]"#).ok()?;
        let clock = HastyClock::default();
        let api = WclApi::new(&base, "fuzz", keys, clock.clone()).ok()?;
        Some(Self { runtime, script, clock, api })
    }
}

thread_local! {
    static LOOPBACK: RefCell<Option<Loopback>> = const { RefCell::new(None) };
}

fn run(bytes: &[u8], tried: Tried, ask: impl AsyncFnOnce(&WclApi<HastyClock>)) {
    let Some((first, rest)) = bytes.split_first() else { return };
    LOOPBACK.with_borrow_mut(|loopback| {
        if loopback.is_none() {
            *loopback = Loopback::start();
        }
        let Some(Loopback { runtime, script, clock, api }) = loopback else { return };
        clock.pass(BETWEEN_RUNS);
        *lock(script) = Script { head: status(*first), bodies: bodies(rest), tried, requests: 0, answered: 0 };
        runtime.block_on(ask(api));
        let requests = lock(script).requests;
        assert!(requests < MOST_REQUESTS, "asked {requests} times");
    });
}

/// The parts between empty lines.
fn bodies(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(at) = bytes.windows(2).position(|two| two == b"\n\n") {
        bodies.push(bytes[..at].to_vec());
        bytes = &bytes[at + 2..];
    }
    bodies.push(bytes.to_vec());
    bodies
}

async fn serve(mut connection: TcpStream, script: Arc<Mutex<Script>>) -> io::Result<()> {
    let mut received = Vec::new();
    loop {
        let Some(length) = request_length(&received) else {
            if connection.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request: Vec<u8> = received.drain(..length).collect();
        let answer = lock(&script).answer(&request);
        connection.write_all(&answer).await?;
    }
}

/// The length of the first request, once all of it is there.
fn request_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let whole = head + length.unwrap_or_default();
    (received.len() >= whole).then_some(whole)
}

impl Script {
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        self.requests += 1;
        let has = |part: &[u8]| request.windows(part.len()).any(|window| window == part);
        let asked = match () {
            () if has(b"/oauth/token") => Tried::Token,
            // A question for nothing else.
            () if has(b"{ rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn } }\"") => Tried::Points,
            () => Tried::Answer,
        };
        let (head, body) = match asked {
            // An answer that never ends being asked for is told by the count, not by a hang.
            _ if self.requests >= MOST_REQUESTS => ("403 Forbidden", &b""[..]),
            asked if asked == self.tried => {
                let at = self.answered.min(self.bodies.len().saturating_sub(1));
                self.answered += 1;
                (self.head, self.bodies.get(at).map_or(&b""[..], Vec::as_slice))
            }
            Tried::Token => ("200 OK", GOOD_TOKEN),
            Tried::Points | Tried::Answer => ("200 OK", GOOD_POINTS),
        };
        let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }
}
