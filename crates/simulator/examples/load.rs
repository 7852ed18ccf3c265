//! Measures the simulator: `cargo run --release -p parsebook-simulator --example load -- WORLD.jsonl` or `-- PLAYERS`.
//! Looks players up by aliases, 25 characters a request, reads ranking pages, and prints what each cost. A second
//! argument bounds the number of players looked up; `SEASON=1` makes a season of reports and reads the first day's.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use parsebook_simulator::{Config, Player, Season, SimulatedClock, Simulator, World};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let argument = std::env::args().nth(1).unwrap_or_else(|| "20000".to_owned());
    let most = std::env::args().nth(2).map_or(Ok(usize::MAX), |text| text.parse())?;
    let started = Instant::now();
    let world = match argument.parse::<usize>() {
        Ok(players) => World::generate(players, 1),
        Err(_) => World::load(&[argument])?.world,
    };
    writeln!(out, "world: {} players in {:.2?}, {}", world.len(), started.elapsed(), memory())?;
    let started = Instant::now();
    let mut config = Config::new(world);
    let clock = SimulatedClock::new("2026-09-01T18:00:00Z".parse()?);
    let is_season = std::env::var_os("SEASON").is_some();
    if is_season {
        config.simulated_clock = Some(clock.clone());
        config.season = Some(Season::default());
    }
    let simulator = Simulator::start(config).await?;
    let reports = simulator.reports();
    let (count, kills) = (reports.len(), reports.kill_count());
    writeln!(out, "start: {:.2?}, {count} reports of {kills} kills, {}", started.elapsed(), memory())?;

    // Nothing is encrypted here, but reqwest wants to know by what.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::new();
    let (id, secret) = Config::DEFAULT_CLIENT;
    let token: Value = http
        .post(format!("{}/oauth/token", simulator.url()))
        .form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
        .send()
        .await?
        .json()
        .await?;
    let token = token["access_token"].as_str().ok_or("no token")?.to_owned();

    if is_season {
        clock.advance(Duration::from_secs(86_400));
        let (started, mut reports, mut bytes) = (Instant::now(), 0, 0);
        for raid in simulator.world().raids() {
            for page in 1..=25 {
                let fields = "rankedCharacters { id } fights(killType: Kills) { id endTime } dps: rankings(playerMetric: dps) \
                              hps: rankings(playerMetric: hps)";
                let query = format!(
                    "{{ reportData {{ reports(zoneID: {}, limit: 5, page: {page}) {{ data {{ {fields} }} }} }} }}",
                    raid.id
                );
                let request = http.post(format!("{}/api/v2/client", simulator.url())).bearer_auth(&token);
                let answer: Value = request.json(&json!({ "query": query })).send().await?.json().await?;
                let data = answer["data"]["reportData"]["reports"]["data"].as_array().map_or(0, Vec::len);
                reports += data;
                bytes += answer.to_string().len();
            }
        }
        let each = started.elapsed().as_secs_f64() * 1e3 / reports.max(1) as f64;
        writeln!(out, "reports: {reports}, {} MB, {each:.1} ms each", bytes / 1_000_000)?;
    }
    let players: Vec<String> = simulator.world().players().filter(Player::is_rankable).take(most).map(alias).collect();
    let (started, mut bytes) = (Instant::now(), 0);
    for batch in players.chunks(25) {
        let query = format!(
            "{{ rateLimitData {{ limitPerHour pointsSpentThisHour pointsResetIn }} characterData {{ {} }} }}",
            batch.concat()
        );
        let request = http.post(format!("{}/api/v2/client", simulator.url())).bearer_auth(&token);
        bytes += request.json(&json!({ "query": query })).send().await?.bytes().await?.len();
    }
    let stats = simulator.stats();
    let each = |busy: Duration, count: u64| busy.as_secs_f64() * 1e6 / count.max(1) as f64;
    writeln!(
        out,
        "lookups: {} zoneRankings of {} characters, {} MB in {:.2?}: {:.1} us busy each",
        stats.zone_rankings,
        stats.characters,
        bytes / 1_000_000,
        started.elapsed(),
        each(stats.api_busy, stats.zone_rankings),
    )?;

    let started = Instant::now();
    for raid in simulator.world().raids() {
        for (difficulty, size) in [(1, 10), (3, 10), (4, 10), (5, 20)] {
            for page in 1..=most {
                let path =
                    format!("{}/playerspeed/-1/{difficulty}/{size}/{}/Any/Any/0/0/0/0/0/", raid.id, raid.partition);
                let url = format!("{}/zone/rankings/table/{path}?search=&page={page}", simulator.url());
                if !http.get(url).send().await?.text().await?.contains("<tr id=\"row-") {
                    break;
                }
            }
        }
    }
    let stats = simulator.stats();
    writeln!(
        out,
        "pages: {} in {:.2?}: {:.1} us busy each; {}",
        stats.site_requests,
        started.elapsed(),
        each(stats.site_busy, stats.site_requests),
        memory(),
    )?;
    simulator.shutdown().await;
    Ok(())
}

/// One character with a ranking for each raid and difficulty it has.
fn alias(player: Player<'_>) -> String {
    let rankings: String = player
        .pairs()
        .map(|(raid, difficulty)| {
            format!(" z{raid}_{difficulty}: zoneRankings(zoneID: {raid}, difficulty: {difficulty})")
        })
        .collect();
    format!(
        "c{0}: character(id: {0}) {{ id name classID hidden server {{ name normalizedName region {{ compactName }} }}{rankings} }} ",
        player.id()
    )
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.map_or_else(|| "memory unknown".to_owned(), |line| line.split_whitespace().collect::<Vec<_>>().join(" "))
}
