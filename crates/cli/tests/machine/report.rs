//! The report as an operator opens it: a file in a browser, or live beside a run.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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

    /// What was asked over the network, but for what Chromium asks of its maker at every start. (The page's own policy
    /// forbids it every request; the console would tell of one.)
    fn requests(&self) -> Vec<&str> {
        const OF_CHROMIUM: [&str; 3] = [
            "http://clients2.google.com/time/",
            "https://accounts.google.com/ListAccounts",
            "https://www.google.com/async/folae",
        ];
        let urls = self.net_log.split(r#""url":""#).skip(1).filter_map(|rest| rest.split('"').next());
        let outside = urls.filter(|url| url.starts_with("http") || url.starts_with("ws"));
        outside.filter(|url| OF_CHROMIUM.iter().all(|own| !url.starts_with(own))).collect()
    }

    fn value(&self, id: &str) -> &str {
        let from = format!(r#"data-value="{id}">"#);
        self.dom.split(&from).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default()
    }
}

fn count(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap()
}

fn status(folder: &Path, data: &str) -> Value {
    serde_json::from_str(&out(&run(folder, &[], &["status", "--json", "--data", data]))).unwrap()
}

#[test]
fn the_demos_report_opens_without_an_error_or_a_request_and_tells_the_stores_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let demo = run(folder.path(), &[], &["demo", "--players", "120"]);
    assert!(out(&demo).contains("The report lies in"), "{}", String::from_utf8_lossy(&demo.stderr));
    let file = folder.path().join("addon/demo/report.html");
    let status = status(folder.path(), "data/demo");
    assert!(std::fs::metadata(&file).unwrap().len() < 1_000_000);
    for size in ["1200,900", "400,800"] {
        let Some(opened) = open(&format!("file://{}", file.display()), size) else { return };
        assert_eq!(opened.console(), Vec::<&str>::new());
        assert_eq!(opened.requests(), Vec::<&str>::new());
        assert!(opened.dom.matches("<figure").count() >= 8);
        assert!(opened.dom.matches("<svg").count() >= 8);
        for (id, name) in [("players", "players"), ("due", "due"), ("setAside", "setAside")] {
            assert_eq!(count(opened.value(id)), status[name].as_u64().unwrap(), "{id}");
        }
        let cost: f64 = opened.value("pointsAPlayer").parse().unwrap();
        assert!((cost - status["points"]["aPlayer"].as_f64().unwrap()).abs() < 0.06);
        for region in status["regions"].as_array().unwrap() {
            let row =
                format!(r#"<th scope="row">{}</th><td>{}</td>"#, region["region"].as_str().unwrap(), region["players"]);
            assert!(opened.dom.contains(&row), "{row}");
        }
        assert_eq!(status["discovery"].as_array().unwrap().len() as u64, status["rules"].as_u64().unwrap());
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_parsebook"))
            .current_dir(folder)
            .args(["report", "--serve", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self(child, address)
    }

    fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
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
