//! The program as scripts see it: output, errors in one line, exit status.

use std::path::Path;
use std::process::{Command, Output};

use parsebook_simulator::{Config, Simulator, World};
use parsebook_test_support::oracle;
use serde_json::Value;

use crate::common::keys;

pub fn run(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parsebook"));
    command.current_dir(folder).env_remove("WCL_API_KEYS").env_remove("WCL_URL").args(args);
    variables.iter().for_each(|(name, value)| {
        command.env(name, value);
    });
    command.output().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line that a failure says.
pub fn failure(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("parsebook: "), "{said}");
    last
}

#[test]
fn demo_needs_nothing_and_shows_three_players() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &[], &["demo", "--players", "400"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = out(&output);
    assert_eq!(text.matches("$ parsebook lookup ").count(), 3, "{text}");
    assert!(text.contains("The addon lies in") && text.contains("Done in"), "{text}");
    assert!(folder.path().join("addon/demo/Parsebook/Parsebook.toc").exists());
    assert_eq!(
        run(folder.path(), &[], &["demo", "--players", "50"]).status.code(),
        Some(0),
        "again, over the last one"
    );

    std::fs::create_dir_all(folder.path().join("mine/demo")).unwrap();
    std::fs::write(folder.path().join("mine/demo/file"), "mine").unwrap();
    let refused = run(folder.path(), &[], &["demo", "--players", "50", "--out", "mine"]);
    assert!(failure(&refused).contains("not of a demo"));
    assert!(folder.path().join("mine/demo/file").exists(), "a folder of others is left alone");

    let status = run(folder.path(), &[], &["status", "--json", "--data", "data/demo", "--out", "addon/demo"]);
    let status: Value = serde_json::from_str(&out(&status)).unwrap();
    assert_eq!(status["queued"], 0);
    assert!(status["players"].as_u64().unwrap() > 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulate_rules_run_and_lookup_work_together() {
    let simulator = Simulator::start(Config::new(World::generate(300, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    let variables = [("WCL_URL", url.as_str()), ("WCL_API_KEYS", keys.as_str()), ("PAGES_PER_SECOND", "1000")];
    for (raid, difficulty) in crate::common::boards(simulator.world()) {
        let added = run(
            folder.path(),
            &[],
            &[
                "rules",
                "add",
                "--source",
                "site",
                "--raid",
                &raid.to_string(),
                "--difficulty",
                &difficulty.to_string(),
                "--pages",
                "1-50",
            ],
        );
        assert_eq!(out(&added).trim().len(), 24);
    }
    let listed = out(&run(folder.path(), &[], &["rules", "list", "--json"]));
    let rule: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(rule["endPage"], 50);

    let output = run(folder.path(), &variables, &["run", "--once", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(summary["dbGenerator"]["stopped"], "published");
    assert!(oracle::verify(&folder.path().join("addon"), simulator.world()).unwrap() > 250);

    let world = simulator.world();
    let player = world.players().find(|player| player.is_rankable() && player.ranks().next().is_some()).unwrap();
    let realm = player.realm();
    let looked_up = run(
        folder.path(),
        &[],
        &["lookup", player.name(), &realm.name, "--region", realm.region.compact_name(), "--json"],
    );
    let found: Value = serde_json::from_str(&out(&looked_up)).unwrap();
    assert_eq!(found["name"], player.name());
    assert_eq!(found["classId"], player.class_id());
    let encounters: usize =
        found["ranks"].as_array().unwrap().iter().map(|ranks| ranks["encounters"].as_array().unwrap().len()).sum();
    assert_eq!(encounters, player.ranks().count());

    let missing = run(folder.path(), &[], &["lookup", "Nobody", "Nowhere"]);
    assert!(failure(&missing).contains("no Nobody on Nowhere"));
    let id = rule["id"].as_str().unwrap();
    assert_eq!(run(folder.path(), &[], &["rules", "remove", id]).status.code(), Some(0));
    assert!(failure(&run(folder.path(), &[], &["rules", "remove", id])).contains(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_publishes_the_regions_that_are_set() {
    let simulator = Simulator::start(Config::new(World::generate(300, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    let variables =
        [("WCL_URL", url.as_str()), ("WCL_API_KEYS", &keys), ("REGIONS", "EU"), ("PAGES_PER_SECOND", "1000")];
    let (raid, difficulty) = crate::common::boards(simulator.world())[0];
    let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
    let args = ["backfill", "--source", "site", "--raid", &raid, "--difficulty", &difficulty, "--pages", "1", "--json"];
    let output = run(folder.path(), &variables, &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(summary["dbGenerator"]["regions"].as_array().unwrap().len(), 1, "{summary}");
    assert!(folder.path().join("addon/Parsebook_DB_EU").exists());
    assert!(!folder.path().join("addon/Parsebook_DB_US").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_the_cause_of_the_failure() {
    let simulator = Simulator::start(Config::new(World::generate(300, 4))).await.unwrap();
    simulator.faults().set_text("site-human-check").unwrap();
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[], &["rules", "add", "--source", "site", "--raid", "61", "--difficulty", "4"]);
    let (url, keys) = (simulator.url(), keys());
    let output = run(folder.path(), &[("WCL_URL", &url), ("WCL_API_KEYS", &keys)], &["run", "--once"]);
    assert!(failure(&output).contains("human check"));
    assert!(out(&run(folder.path(), &[], &["rules", "list"])).contains("human check"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_with_what_was_achieved_and_what_to_do_next_and_names_an_error_once() {
    let simulator = Simulator::start(Config::new(World::generate(300, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (raid, difficulty) = crate::common::boards(simulator.world())[0];
    for raid in [raid, 999_999] {
        let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
        run(folder.path(), &[], &["rules", "add", "--source", "site", "--raid", &raid, "--difficulty", &difficulty]);
    }
    let (url, keys) = (simulator.url(), keys());
    let variables = [("WCL_URL", url.as_str()), ("WCL_API_KEYS", keys.as_str()), ("PAGES_PER_SECOND", "1000")];
    let failing = run(folder.path(), &variables, &["run", "--once"]);
    assert!(failure(&failing).contains("no raid 999999"));
    let last = out(&failing).lines().last().unwrap().to_owned();
    assert!(last.starts_with("done ") && last.contains("what failed is named below"), "{last}");
    let told = out(&failing) + &String::from_utf8_lossy(&failing.stderr);
    assert_eq!(told.matches("no raid 999999").count(), 1, "{told}");
    let listed = out(&run(folder.path(), &[], &["rules", "list"]));
    let why = listed.lines().find(|line| line.contains("raid 999999")).unwrap();
    assert!(why.contains("failed once: ") && why.contains("tried again after"), "{why}");
    let status = out(&run(folder.path(), &[], &["status"]));
    assert!(status.contains("failed once: "), "{status}");

    run(folder.path(), &[], &["rules", "remove", why.split(' ').next().unwrap()]);
    let backfill =
        ["backfill", "--source", "site", "--raid", &raid.to_string(), "--difficulty", &difficulty.to_string()];
    let fine = out(&run(folder.path(), &variables, &backfill));
    let last = fine.lines().last().unwrap();
    assert!(
        last.contains(" ranked, ") && last.contains(" published; next: parsebook lookup NAME REALM, or "),
        "{last}"
    );
    let next: Vec<_> = last.split("or parsebook ").nth(1).unwrap().split(' ').collect();
    assert_eq!(run(folder.path(), &variables, &next).status.code(), Some(0), "what it says can be typed");
}

#[test]
fn errors_are_one_line_and_name_the_thing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(failure(&run(folder.path(), &[], &["run", "--once"])).contains("WCL_API_KEYS"));
    assert!(failure(&run(folder.path(), &[], &["lookup", "A", "B"])).contains("no addon in ./addon"));
    assert!(failure(&run(folder.path(), &[], &["status"])).contains("no store in ./data"));
    let keys = keys();
    let run_with =
        |variable: (&str, &str)| run(folder.path(), &[("WCL_API_KEYS", &keys), variable], &["run", "--once"]);
    assert!(failure(&run_with(("PAGES_PER_SECOND", "fast"))).contains("PAGES_PER_SECOND"));
    assert!(failure(&run_with(("WCL_URL", "nowhere"))).contains("WCL_URL"));
    std::fs::write(folder.path().join("world.jsonl"), "not a world\n").unwrap();
    assert!(failure(&run(folder.path(), &[], &["simulate", "--world", "world.jsonl"])).contains("world.jsonl:1"));
}

#[test]
fn wrong_usage_is_status_2_and_help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let wrong: [&[&str]; 17] = [
        &[],
        &["fly"],
        &["rules", "add"],
        &["rules", "add", "--raid", "31", "--difficulty", "2"],
        &["rules", "add", "--raid", "0", "--difficulty", "4"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--pages", "a-b"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--pages", "5-1"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--since", "0001-01-01"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--ranks", "nobody"],
        &["run", "--once", "--regions", "EU,XX"],
        &["run", "--once", "--store", "mongodb"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--source", "site", "--ranks", "reports"],
        &["rules", "add", "--raid", "31", "--difficulty", "4", "--pages", "1-200000"],
        &["simulate", "--listen", "127.0.0.1:0", "--players", "5", "--fault", "nonsense"],
        &["simulate", "--listen", "127.0.0.1:0", "--players", "5", "--client", "abc"],
        &["simulate", "--listen", "127.0.0.1:0", "--players", "5", "--hour-seconds", "0"],
        &["simulate", "--listen", "127.0.0.1:0", "--players", "5", "--clock-speed=-1"],
    ];
    for args in wrong {
        assert_eq!(run(folder.path(), &[], args).status.code(), Some(2), "{args:?}");
    }
    let help = out(&run(folder.path(), &[], &["--help"]));
    for word in ["demo", "backfill", "simulate", "WCL_API_KEYS", "Exit status"] {
        assert!(help.contains(word), "{word} in {help}");
    }
    assert!(out(&run(folder.path(), &[], &["completions", "bash"])).contains("parsebook"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_into_a_file_has_no_colours() {
    let simulator = Simulator::start(Config::new(World::generate(50, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    for no_color in ["", "1"] {
        let variables =
            [("WCL_URL", url.as_str()), ("WCL_API_KEYS", &keys), ("RUST_LOG", "debug"), ("NO_COLOR", no_color)];
        let words: [(&[&str], &str); 5] = [
            (&["doctor"], "DEBUG"),
            (&["run", "--once"], "DEBUG"),
            (&["rules", "list"], "no rules"),
            (&["fly"], "error:"),
            (&["--help"], "Usage:"),
        ];
        for (args, word) in words {
            let output = run(folder.path(), &variables, args);
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(said.contains(word), "{args:?}: {said}");
            assert!(
                !said.contains(['\u{1b}', '\r']),
                "{args:?}: neither colours nor a line that is drawn anew: {said:?}"
            );
        }
        let path = folder.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_parsebook"));
        command.current_dir(folder.path()).args(["run", "--once"]).envs(variables);
        command.stderr(std::fs::File::create(&path).unwrap()).output().unwrap();
        let said = std::fs::read_to_string(path).unwrap();
        assert!(said.contains("DEBUG") && !said.contains('\u{1b}'), "{said:?}");
    }
}
