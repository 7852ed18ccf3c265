//! The repository that `addon-repo init` sets up, and what publishing makes of it.

use std::path::Path;
use std::process::Command;

use parsebook_simulator::{Config, Simulator, World};

use crate::common::keys;

fn parsebook(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parsebook"));
    command.current_dir(folder).args(args).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=owner", "-c", "user.email=owner@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").current_dir(folder).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_brings_the_data_and_leaves_what_people_keep() {
    let simulator = Simulator::start(Config::new(World::generate(120, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    let variables = [
        ("WCL_URL", url.as_str()),
        ("WCL_API_KEYS", keys.as_str()),
        ("PAGES_PER_SECOND", "1000"),
        ("SOURCE_DATE_EPOCH", "1700000000"),
        ("ADDON_CURSE_ID", "279257"),
    ];
    let addon = folder.path().join("addon");
    let said = parsebook(folder.path(), &variables, &["addon-repo", "init"]);
    assert!(said.contains(" 0 kept"), "{said}");
    // Its owner looks it over, changes what is theirs, and pushes it to where releases are made.
    std::fs::write(addon.join("README.md"), "mine").unwrap();
    std::fs::write(addon.join(".github/workflows/own.yml"), "mine too").unwrap();
    git(folder.path(), &["init", "--bare", "--quiet", "server.git"]);
    git(&addon, &["init", "--quiet"]);
    git(&addon, &["add", "--all"]);
    git(&addon, &["commit", "--quiet", "--message", "Set up"]);
    git(&addon, &["remote", "add", "origin", "../server.git"]);

    let (raid, difficulty) = crate::common::boards(simulator.world())[0];
    let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
    let rule = ["rules", "add", "--raid", &raid, "--difficulty", &difficulty, "--pages", "1-5", "--source", "site"];
    parsebook(folder.path(), &[], &rule);
    parsebook(folder.path(), &variables, &["run", "--once"]);

    let show = |path: &str| git(&addon, &["show", &format!("HEAD:{path}")]);
    assert_eq!(show("README.md"), "mine");
    assert_eq!(show(".github/workflows/own.yml"), "mine too");
    assert_eq!(
        show(".github/workflows/release.yml"),
        std::fs::read_to_string(addon.join(".github/workflows/release.yml")).unwrap()
    );
    assert!(show("CHANGELOG.md").starts_with("# Changelog\n\n## 2023.11.14\n\n- "), "{}", show("CHANGELOG.md"));
    let toc = show("Parsebook/Parsebook.toc");
    assert!(toc.contains("\n## Version: 2023.11.14\n") && toc.contains("\n## X-Curse-Project-ID: 279257\n"), "{toc}");
    git(&addon, &["push", "--quiet", "origin", "main"]);

    // A patch of the game: the updater's pull request is merged, and the next run keeps its list and spreads it.
    let newer = toc.lines().map(|line| if line.starts_with("## Interface") { "## Interface: 120200" } else { line });
    std::fs::write(addon.join("Parsebook/Parsebook.toc"), newer.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    git(&addon, &["commit", "--quiet", "--all", "--message", "Update the interface numbers"]);
    parsebook(folder.path(), &variables, &["run", "--once"]);
    for line in git(&addon, &["grep", "-h", "^## Interface", "HEAD", "--", "*.toc"]).lines() {
        assert_eq!(line, "## Interface: 120200");
    }
    let head = git(&addon, &["rev-parse", "HEAD"]);
    parsebook(folder.path(), &variables, &["run", "--once"]);
    assert_eq!(git(&addon, &["rev-parse", "HEAD"]), head, "the same data makes no commit");
    let kept = parsebook(folder.path(), &variables, &["addon-repo", "init"]);
    assert!(kept.contains("kept     README.md"), "{kept}");
    assert_eq!(git(&addon, &["status", "--porcelain"]), "");
}
