//! The report as an operator opens it: a file in a browser, or live beside a run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_adapters::settings::REGIONS;
use parsebook_core::Timestamp;
use parsebook_core::journal::{Journal, Run};
use parsebook_core::player::{Player, Raid};
use parsebook_core::ports::{Players, Raids};
use parsebook_simulator::{Config, Simulator, World};
use serde_json::Value;

use crate::common::{boards, keys};
use crate::program::{failure, out, run};

/// What a browser made of a page.
struct Opened {
    dom: String,
    log: String,
    net_log: String,
}

/// Opens `url` in headless Chromium; `None` (and says so) where there is none.
fn open(url: &str, size: &str) -> Option<Opened> {
    let program = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
    let Some(program) = program else {
        drop(writeln!(std::io::stderr(), "passed over: there is no chromium (run: sudo apt-get install chromium)"));
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let net_log = folder.path().join("net.json");
    let output = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--log-level=0", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--log-net-log={}", net_log.display()))
        .arg(format!("--window-size={size}"))
        .args(["--dump-dom", url])
        .output()
        .unwrap();
    Some(Opened {
        dom: String::from_utf8(output.stdout).unwrap(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
        net_log: std::fs::read_to_string(net_log).unwrap_or_default(),
    })
}

impl Opened {
    /// Messages of the page's console.
    fn console(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.contains("CONSOLE")).collect()
    }

    /// What the page asked for over the network. What Chromium asks of its maker at every start has no page as its
    /// initiator. (The page's own policy forbids it every request; the console would tell of one.)
    fn requests(&self) -> Vec<&str> {
        let events = self.net_log.lines().filter(|event| event.contains(r#""initiator":"#));
        let of_page = events.filter(|event| !event.contains(r#""initiator":"not an origin""#));
        let urls = of_page.filter_map(|event| event.split(r#""url":""#).nth(1)?.split('"').next());
        urls.filter(|url| url.starts_with("http") || url.starts_with("ws")).collect()
    }

    fn value(&self, id: &str) -> &str {
        let from = format!(r#"data-value="{id}">"#);
        self.dom.split(&from).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default()
    }
}

fn status(folder: &Path, data: &str) -> Value {
    serde_json::from_str(&out(&run(folder, &[], &["status", "--json", "--data", data]))).unwrap()
}

/// The tables of a page, by the figure or section that holds them: rows of texts, the first one the head.
fn tables(dom: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let dom = dom.replace("<section id=", "<figure id=");
    let text = |cell: &str| {
        let inner = cell.split_once('>').map_or("", |(_, inner)| inner);
        let inner = inner.split("</td").next().unwrap_or_default();
        let plain: String = inner.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
        plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let row = |row: &str| {
        let row = row.split("</tr>").next().unwrap_or_default().replace("<th", "<td").replace("</th", "</td");
        row.split("<td").skip(1).map(text).collect::<Vec<_>>()
    };
    let parts = dom.split("<figure id=\"").skip(1).filter_map(|part| part.split_once('"'));
    parts.map(|(id, part)| (id.to_owned(), part.split("<tr").skip(1).map(row).collect())).collect()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// A number of JSON, as people read it.
fn told(value: &Value) -> String {
    grouped(value.as_u64().unwrap_or_else(|| panic!("{value} is no count")))
}

/// A time of JSON, as people read it; nothing where there is none.
fn minute(value: &Value) -> String {
    value.as_str().map(|at| at[..16].replace('T', " ")).unwrap_or_default()
}

/// Everything that `status --json` tells stands in the report, as it is.
fn shows_the_status(opened: &Opened, status: &Value, raids: &[Raid]) {
    let tables = tables(&opened.dom);
    let body = |id: &str| tables[id][1..].to_vec();
    // A field that is new here is to be compared below.
    let fields: BTreeSet<_> = status.as_object().unwrap().keys().map(String::as_str).collect();
    #[rustfmt::skip]
    let known = ["allRankedBy", "asOf", "database", "daysUntilAllRanked", "discovered", "discovery", "due", "oldestRank",
                 "players", "playersADay", "points", "queued", "regions", "reports", "rules", "setAside", "store"];
    assert_eq!(fields, BTreeSet::from(known));
    for id in ["players", "due", "setAside"] {
        assert_eq!(opened.value(id), told(&status[id]), "{id}");
    }
    assert_eq!(opened.value("reportsDue"), told(&status["reports"]["due"]));
    let due = format!("{} in the queue, {} before it", told(&status["queued"]), told(&status["discovered"]));
    let a_day = grouped(status["playersADay"].as_f64().unwrap().round() as u64);
    let pace = format!("{a_day} players and 0 reports a day over the last week.");
    for note in [due, pace, minute(&status["oldestRank"]), status["store"].as_str().unwrap().to_owned()] {
        assert!(opened.dom.contains(&note), "{note}");
    }
    assert_eq!(status["daysUntilAllRanked"], 0.0);
    assert_eq!((status["allRankedBy"].clone(), opened.value("daysUntilAllRanked")), (status["asOf"].clone(), "now"));
    let points = &status["points"];
    let cost: f64 = opened.value("pointsAPlayer").parse().unwrap();
    assert!((cost - points["aPlayer"].as_f64().unwrap()).abs() < 0.06);
    if opened.dom.contains(&format!("datetime=\"{}", &status["asOf"].as_str().unwrap()[..13])) {
        let used = grouped(points["usedThisHour"].as_f64().unwrap().round() as u64);
        assert_eq!(opened.value("pointsUsed"), used);
    }

    let regions = status["regions"].as_array().unwrap();
    let fresh = |region: &Value| {
        let mut row = vec![region["region"].as_str().unwrap().to_owned(), told(&region["players"])];
        row.extend(region["freshness"].as_array().unwrap().iter().map(|group| told(&group["players"])));
        row.push(minute(&region["oldest"]));
        row
    };
    assert_eq!(body("freshness"), regions.iter().map(fresh).collect::<Vec<_>>());
    let by = |region: &Value| {
        let name = region["region"].as_str().unwrap().to_owned();
        let pace = grouped(region["playersADay"].as_f64().unwrap().round() as u64);
        vec![name, told(&region["players"]), told(&region["due"]), pace, "now".to_owned()]
    };
    assert_eq!(body("forecast"), regions.iter().map(by).collect::<Vec<_>>());

    let rule = |rule: &Value| {
        let raid = raids.iter().find(|raid| raid.id == rule["raid"]).unwrap();
        let difficulty = match rule["difficulty"].as_u64() {
            Some(1) => "LFR",
            Some(3) => "Normal",
            Some(4) => "Heroic",
            _ => "Mythic",
        };
        let text = |name: &str| rule[name].as_str().unwrap().to_owned();
        vec![format!("{} {difficulty}", raid.name), text("source"), minute(&rule["lastRun"]), text("state")]
    };
    assert_eq!(body("rules"), status["discovery"].as_array().unwrap().iter().map(rule).collect::<Vec<_>>());
    assert_eq!(body("rules").len() as u64, status["rules"].as_u64().unwrap());
    for (id, name) in [("characters", "characters"), ("bytes", "bytes")] {
        let databases = status["database"].as_array().unwrap().iter();
        let of_region = |database: &Value| {
            vec![minute(&database["at"]), database["region"].as_str().unwrap().to_owned(), told(&database[name])]
        };
        assert_eq!(body(id), databases.map(of_region).collect::<Vec<_>>());
    }
    let queue = body("queue");
    assert_eq!(queue.last().unwrap()[1..], [told(&status["queued"]), told(&status["discovered"])]);
}

/// What the store holds, counted by the test itself.
async fn shows_the_store(opened: &Opened, status: &Value, store: &EmbeddedStore) {
    let tables = tables(&opened.dom);
    let mut bosses = BTreeMap::<String, [u64; 3]>::new();
    let mut players = BTreeMap::<String, u64>::new();
    let raids = store.raids().await.unwrap();
    let names: BTreeMap<u32, String> =
        raids.iter().flat_map(|raid| &raid.encounters).map(|boss| (boss.id, boss.name.clone())).collect();
    for region in REGIONS {
        let of_region: Vec<Player> = store.players(region).map(|player| player.unwrap().unwrap()).collect().await;
        let of_region: Vec<_> = of_region.into_iter().filter(|player| !player.ranks.is_empty()).collect();
        if !of_region.is_empty() {
            players.insert(region.to_owned(), of_region.len() as u64);
        }
        for (difficulty, metrics) in of_region.iter().flat_map(|player| player.ranks.values()).flatten() {
            for (metric, ranks) in metrics {
                for (boss, rank) in &ranks.encounters {
                    let difficulty = ["", "LFR", "", "Normal", "Heroic", "Mythic"][usize::from(*difficulty)];
                    let counts = bosses.entry(format!("{} · {difficulty} {metric}", names[boss])).or_default();
                    counts[0] += 1;
                    counts[1] += u64::from(rank.rank_percent < 50.0);
                    counts[2] += u64::from(rank.rank_percent >= 95.0);
                }
            }
        }
    }
    let counted: BTreeMap<String, u64> = status["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| (region["region"].as_str().unwrap().to_owned(), region["players"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, players);
    let told: BTreeMap<String, [String; 3]> = tables["distribution"][1..]
        .iter()
        .map(|row| (row[0].clone(), [row[1].clone(), row[3].clone(), row[4].clone()]))
        .collect();
    assert_eq!(told, bosses.into_iter().map(|(name, counts)| (name, counts.map(grouped))).collect());

    let runs: Vec<Run> = store.runs_since(Timestamp::UNIX_EPOCH).try_collect().await.unwrap();
    let sum = |stage: &str, field: &str| {
        let of_stage = runs.iter().filter(|run| run.stage == stage);
        of_stage.map(|run| run.summary[field].as_f64().unwrap_or_default()).sum::<f64>()
    };
    let column = |id: &str, column: usize| {
        let cells = tables[id][1..].iter().map(|row| row[column].replace(',', "").parse::<f64>().unwrap_or_default());
        cells.sum::<f64>()
    };
    let spent = sum("player-rank", "pointsSpent") + sum("discover", "pointsSpent");
    assert!((column("points", 1) - spent).abs() <= 1.0, "{spent}");
    assert_eq!(column("ranked", 1), sum("player-rank", "done"));
    assert_eq!(column("ranked", 4), sum("discover", "players"));
    assert_eq!(column("cost", 2), sum("player-rank", "done"));
    assert_eq!(column("failures", 2), 0.0);
    let rules: Vec<&Value> = runs.iter().filter(|run| run.stage == "discover").flat_map(rules_of).collect();
    for (field, at) in [("pages", 2), ("players", 3), ("reports", 4), ("skipped", 5)] {
        let expected: f64 = rules.iter().map(|rule| rule[field].as_f64().unwrap_or_default()).sum();
        assert_eq!(column("discovery", at), expected, "{field}");
    }
    assert_eq!(column("stages", 1), runs.len() as f64, "all ended well");
    assert!(opened.dom.contains(&format!("From {} runs in the journal", grouped(runs.len() as u64))));
}

/// Summaries of the rules that an invocation of discover worked.
fn rules_of(run: &Run) -> Vec<&Value> {
    run.summary["rules"].as_array().map_or_else(|| vec![&run.summary], |rules| rules.iter().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demos_report_opens_without_an_error_or_a_request_and_every_number_is_that_of_status_and_store() {
    let folder = tempfile::tempdir().unwrap();
    let demo = run(folder.path(), &[], &["demo", "--ranks", "players", "--players", "120"]);
    assert!(out(&demo).contains("The report lies in"), "{}", String::from_utf8_lossy(&demo.stderr));
    let file = folder.path().join("addon/demo/report.html");
    let status = status(folder.path(), "data/demo");
    let store = EmbeddedStore::open(&folder.path().join("data/demo")).unwrap();
    let raids = store.raids().await.unwrap();
    assert!(std::fs::metadata(&file).unwrap().len() < 1_000_000);
    for size in ["1200,900", "400,800"] {
        let Some(opened) = open(&format!("file://{}", file.display()), size) else { return };
        assert_eq!(opened.console(), Vec::<&str>::new());
        assert_eq!(opened.requests(), Vec::<&str>::new());
        assert!(opened.dom.matches("<figure").count() >= 8);
        assert_eq!(opened.dom.matches("<svg class=\"wide\"").count(), opened.dom.matches("<figure").count());
        shows_the_status(&opened, &status, &raids);
        shows_the_store(&opened, &status, &store).await;
    }
}

#[test]
fn a_report_wants_a_place() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &[], &["report"]).status.code(), Some(2));
    assert!(failure(&run(folder.path(), &[], &["report", "--out", "r.html"])).contains("no store"));
    run(folder.path(), &[], &["rules", "add", "--raid", "31", "--difficulty", "4"]);
    let written = run(folder.path(), &[], &["report", "--out", "r.html"]);
    assert_eq!(written.status.code(), Some(0), "{}", String::from_utf8_lossy(&written.stderr));
    let html = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(html.contains("waits for its first run") && html.contains("Nothing in the journal yet"));
}

#[test]
fn a_rule_is_paused_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let id = out(&run(folder.path(), &[], &["rules", "add", "--raid", "31", "--difficulty", "4"]));
    let id = id.trim();
    let enabled = || {
        let listed = out(&run(folder.path(), &[], &["rules", "list", "--json"]));
        serde_json::from_str::<Value>(&listed).unwrap()["enabled"].clone()
    };
    assert_eq!(run(folder.path(), &[], &["rules", "pause", id]).status.code(), Some(0));
    assert_eq!(enabled(), false);
    assert!(out(&run(folder.path(), &[], &["rules", "list"])).contains("paused"));
    assert_eq!(status(folder.path(), "data")["discovery"][0]["state"], "paused by hand");
    run(folder.path(), &[], &["rules", "resume", id]);
    assert_eq!(enabled(), true);
    assert!(failure(&run(folder.path(), &[], &["rules", "pause", "0123"])).contains("no rule 0123"));
}

struct Server(Child, String);

impl Server {
    fn start(folder: &Path) -> Self {
        Self::at(folder, "127.0.0.1:0", Stdio::inherit())
    }

    fn at(folder: &Path, address: &str, stderr: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parsebook"))
            .current_dir(folder)
            .args(["report", "--serve", address])
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self(child, address)
    }

    fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The sections of the live page, by their ids.
    fn sections(&self) -> BTreeMap<String, String> {
        let answer = self.get("/sections", "localhost");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        let starts = ["<header id=\"", "<dl class=\"tiles\" id=\"", "<section ", "<footer id=\""];
        let mut places: Vec<usize> =
            starts.iter().flat_map(|start| body.match_indices(start)).map(|(at, _)| at).collect();
        places.sort_unstable();
        let ends = places.iter().skip(1).copied().chain([body.len()]);
        let parts = places.iter().zip(ends).map(|(from, to)| &body[*from..to]);
        let id = |part: &str| part.split(" id=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        parts.map(|part| (id(part), part.to_owned())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_page_that_asks_for_something_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    std::fs::write(&page, r#"<img src="http://127.0.0.1:9/picture.png">"#).unwrap();
    let Some(opened) = open(&format!("file://{}", page.display()), "400,800") else { return };
    assert_eq!(opened.requests(), ["http://127.0.0.1:9/picture.png"]);
}

#[test]
fn the_live_page_is_for_this_machine_and_refreshes_itself() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[], &["rules", "add", "--raid", "31", "--difficulty", "4"]);
    let server = Server::start(folder.path());
    let page = server.get("/", &server.1);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains(r#"data-live="/sections""#), "{page}");
    assert!(server.get("/sections", "localhost").contains("What does each rule do now?"));
    assert!(server.get("/", "elsewhere.example").starts_with("HTTP/1.1 403"));
    let Some(opened) = open(&format!("http://{}/", server.1), "1200,900") else { return };
    assert_eq!(opened.console(), Vec::<&str>::new());
    let elsewhere: Vec<_> = opened.requests().into_iter().filter(|url| !url.contains(&server.1)).collect();
    assert_eq!(elsewhere, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_page_follows_a_run_beside_it_and_leaves_alone_what_did_not_change() {
    let simulator = Simulator::start(Config::new(World::generate(300, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (raid, difficulty) = boards(simulator.world())[0];
    let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
    run(folder.path(), &[], &["rules", "add", "--raid", &raid, "--difficulty", &difficulty, "--source", "site"]);
    let server = Server::start(folder.path());
    let before = server.sections();
    let (url, keys) = (simulator.url(), keys());
    let variables = [("WCL_URL", url.as_str()), ("WCL_API_KEYS", keys.as_str())];
    let mut running = Command::new(env!("CARGO_BIN_EXE_parsebook"))
        .current_dir(folder.path())
        .envs(variables)
        .args(["run", "--once"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while running.try_wait().unwrap().is_none() {
        // Whole at every moment, and the run is not held up.
        assert_eq!(server.sections().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(running.wait().unwrap().success());
    let status = status(folder.path(), "data");
    let players = format!("data-value=\"players\">{}<", told(&status["players"]));
    let published = r#"<th scope="row">db-generator</th><td class="number">1</td>"#;
    let is_shown = |sections: &BTreeMap<String, String>| {
        sections["tiles"].contains(&players) && sections["stages"].contains(published)
    };
    let mut tries = 0;
    while !is_shown(&server.sections()) {
        tries += 1;
        assert!(tries < 300, "{players} never shows");
        std::thread::sleep(Duration::from_millis(100));
    }
    let then = server.sections();
    assert_ne!(then["figures"], before["figures"]);
    // The page swaps what differs. Nothing happens now: all but times that go by stays.
    let mut later = server.sections();
    while later["head"] == then["head"] {
        tries += 1;
        assert!(tries < 2000, "the page is never read again");
        std::thread::sleep(Duration::from_millis(100));
        later = server.sections();
    }
    for id in ["rules", "stages", "foot"] {
        assert_eq!(later[id], then[id], "{id}");
    }
    for secret in [parsebook_simulator::Config::DEFAULT_CLIENT.1, "clientSecret"] {
        assert!(!server.get("/", "localhost").contains(secret));
    }
}

#[test]
fn an_address_that_others_reach_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[], &["rules", "add", "--raid", "31", "--difficulty", "4"]);
    let mut server = Server::at(folder.path(), "0.0.0.0:0", Stdio::piped());
    let mut warning = String::new();
    BufReader::new(server.0.stderr.take().unwrap()).read_line(&mut warning).unwrap();
    for words in ["warning: whoever can reach 0.0.0.0:", "without a password", "not their secrets"] {
        assert!(warning.contains(words), "{words}: {warning}");
    }
    let port = server.1.rsplit(':').next().unwrap().to_owned();
    server.1 = format!("127.0.0.1:{port}");
    assert!(server.get("/", "my-machine.example").starts_with("HTTP/1.1 200"), "reached by any name");
}

/// The report of now.
fn report(folder: &Path) -> String {
    let written = run(folder, &[], &["report", "--out", "r.html"]);
    assert_eq!(written.status.code(), Some(0), "{}", String::from_utf8_lossy(&written.stderr));
    std::fs::read_to_string(folder.join("r.html")).unwrap()
}

fn holds_fate(html: &str, fate: &str) -> bool {
    html.contains(&format!(r#"<span class="fate {fate}">{fate}</span>"#))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_and_killed_runs_and_failed_rules_are_seen_for_what_they_are() {
    let mut config = Config::new(World::generate(200, 4));
    config.latency = Duration::from_secs(25);
    let slow = Simulator::start(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (raid, difficulty) = boards(slow.world())[0];
    for raid in [raid, 999_999] {
        let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
        run(folder.path(), &[], &["rules", "add", "--raid", &raid, "--difficulty", &difficulty, "--source", "site"]);
    }
    let (url, keys) = (slow.url(), keys());
    let mut killed = Command::new(env!("CARGO_BIN_EXE_parsebook"))
        .current_dir(folder.path())
        .envs([("WCL_URL", url.as_str()), ("WCL_API_KEYS", keys.as_str())])
        .args(["run", "--once"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut tries = 0;
    while !holds_fate(&report(folder.path()), "running") {
        tries += 1;
        assert!(tries < 200, "the run never shows");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let fast = Simulator::start(Config::new(World::generate(200, 4))).await.unwrap();
    let url = fast.url();
    run(folder.path(), &[("WCL_URL", &url), ("WCL_API_KEYS", &keys)], &["run", "--once"]);
    let html = report(folder.path());
    assert!(holds_fate(&html, "killed"));
    assert!(html.contains("no raid 999999"), "why the rule fails");
    assert!(html.contains("no raid #"), "the failure is counted");
}
