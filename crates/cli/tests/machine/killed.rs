//! `kill -9` at random moments, then again: the addon is the one of an undisturbed run, byte for byte.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use parsebook_simulator::{Config, Handle, Simulator, World};

use crate::common::{boards, keys};

fn parsebook(simulator: &Handle, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parsebook"));
    command
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--out")
        .arg(folder.join("addon"))
        .args(["--wcl-url", &simulator.url()])
        .env("WCL_API_KEYS", keys())
        .env("PAGES_PER_SECOND", "100000")
        .env("PAGES_PER_THREAD", "2")
        .env("SOURCE_DATE_EPOCH", "1790000000")
        // The simulated Warcraft Logs has ranked every report.
        .env("REPORT_DELAY_HOURS", "0")
        .stdout(Stdio::null())
        .stderr(File::options().create(true).append(true).open(folder.join(SAID)).unwrap());
    command
}

/// What all runs on a folder wrote, for the test's own messages.
const SAID: &str = "said.txt";

fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(SAID)).unwrap_or_default()
}

fn add_rules(simulator: &Handle, folder: &Path, kind: [&str; 2]) {
    for (raid, difficulty) in boards(simulator.world()) {
        let mut add = parsebook(simulator, folder);
        add.args(["rules", "add", "--raid", &raid.to_string(), "--difficulty", &difficulty.to_string()]).args(kind);
        assert!(add.status().unwrap().success());
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_change_nothing() {
    killed_twenty_times(1200, ["--source", "site"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_change_nothing_where_ranks_are_read_from_reports() {
    killed_twenty_times(400, ["--ranks", "reports"]).await;
}

async fn killed_twenty_times(players: usize, kind: [&str; 2]) {
    let simulator = Simulator::start(Config::new(World::generate(players, 12))).await.unwrap();
    let undisturbed = tempfile::tempdir().unwrap();
    add_rules(&simulator, undisturbed.path(), kind);
    let started = Instant::now();
    assert!(parsebook(&simulator, undisturbed.path()).args(["run", "--once"]).status().unwrap().success());
    let whole_run = started.elapsed();

    let disturbed = tempfile::tempdir().unwrap();
    add_rules(&simulator, disturbed.path(), kind);
    let mut kills = 0;
    while kills < 20 {
        let mut run = parsebook(&simulator, disturbed.path()).args(["run", "--once"]).spawn().unwrap();
        // A random moment, early enough that several kills fall into each stage.
        let moment = whole_run.mul_f64(rand::random_range(0.0..0.6));
        tokio::time::sleep(moment.max(Duration::from_millis(5))).await;
        // The standard library's kill is SIGKILL.
        run.kill().unwrap();
        let status = run.wait().unwrap();
        if status.signal() == Some(9) {
            kills += 1;
        } else {
            // It was done already: what it published counts, then begin anew.
            assert!(status.success(), "a run after {kills} kills failed: {status}\n{}", said(disturbed.path()));
            same_files(undisturbed.path(), disturbed.path());
            std::fs::remove_dir_all(disturbed.path().join("data")).unwrap();
            std::fs::remove_dir_all(disturbed.path().join("addon")).unwrap();
            add_rules(&simulator, disturbed.path(), kind);
        }
    }
    let last = parsebook(&simulator, disturbed.path()).args(["run", "--once"]).status().unwrap();
    assert!(last.success(), "{}", said(disturbed.path()));
    same_files(undisturbed.path(), disturbed.path());
}

fn same_files(undisturbed: &Path, disturbed: &Path) {
    let (expected, got) = (files(&undisturbed.join("addon")), files(&disturbed.join("addon")));
    assert!(expected.len() > 10);
    assert_eq!(expected.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
    for (name, content) in &expected {
        assert!(content == &got[name], "{name} differs");
    }
}
