//! The commands of the documentation, as they are written, on one machine.

use std::path::Path;
use std::process::{Command, Output};

use parsebook_simulator::{Config, Handle, Simulator};
use parsebook_test_support::documentation::{self, commands};

use crate::common::keys;
use crate::program::{out, run};

/// What asks more than one machine, or goes on until it is stopped, or stands for something to be put in.
const NOT_HERE: [&str; 6] = ["mongodb", "--aws", "--serve", "…", "calibrate", "addon-repo"];

async fn simulator() -> Handle {
    Simulator::start(Config::new(documentation::world(60).unwrap())).await.unwrap()
}

/// Types `command` in `folder`.
fn shell(folder: &Path, simulator: &Handle, command: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_parsebook")).parent().unwrap();
    Command::new("bash")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()))
        .envs([("WCL_URL", simulator.url()), ("WCL_API_KEYS", keys()), ("PAGES_PER_SECOND", "1000".to_owned())])
        .output()
        .unwrap()
}

/// The same; it must do what it says.
fn types(folder: &Path, simulator: &Handle, command: &str) -> String {
    let output = shell(folder, simulator, command);
    let told = out(&output);
    assert!(output.status.success(), "{command}\n{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backfill_of_the_documentation_runs_as_written() {
    let mut documented = commands("parsebook backfill").unwrap();
    documented.extend(commands("parsebook run --once").unwrap());
    documented.retain(|one| NOT_HERE.iter().all(|other| !one.command.contains(other)));
    assert!(documented.len() >= 5, "{documented:#?}");
    for backfill in documented {
        let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
        let is_run = backfill.command.contains(" run ");
        if is_run {
            run(folder.path(), &[], &["rules", "add", "--raid", "44", "--difficulty", "4"]);
        }
        let told = types(folder.path(), &simulator, &backfill.command);
        let last = told.lines().last().unwrap();
        assert!(last.starts_with("done ") && last.contains("next: parsebook lookup"), "{backfill:?}: {told}");
        assert!(folder.path().join("addon/Parsebook_DB_EU").is_dir(), "{backfill:?}");
        let rules = out(&run(folder.path(), &[], &["rules", "list", "--json"])).lines().count();
        assert_eq!(rules, usize::from(is_run), "{backfill:?} touches no rule");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_block_of_commands_runs_from_the_readme_to_the_operators_page() {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let pages = ["README.md", "docs/operating.md"];
    let mut documented = commands("parsebook ").unwrap();
    documented.retain(|one| one.is_block && pages.contains(&one.page.as_str()));
    documented.retain(|one| NOT_HERE.iter().all(|other| !one.command.contains(other)));
    assert!(documented.len() >= 12, "{documented:#?}");
    for one in documented {
        let rules = out(&run(folder.path(), &[], &["rules", "list", "--json"]));
        let id = rules.split('"').find(|word| word.len() == 24).unwrap_or_default();
        let somebody = one.command.replace(" Name Realm", " Raideraaaa 'Temple EU'");
        let command =
            somebody.strip_suffix(" ID").map_or_else(|| somebody.clone(), |command| format!("{command} {id}"));
        types(folder.path(), &simulator, &command);
    }
    assert!(folder.path().join("report.html").is_file());
    assert!(types(folder.path(), &simulator, "parsebook rules list").contains("parsebook rules add"), "it was removed");
}
