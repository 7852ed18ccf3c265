//! doctor as an operator calls it.

use parsebook_simulator::{Config, Simulator, World};

use crate::common::keys;
use crate::program::{out, run};

/// The lines that found something wrong.
fn wrong(output: &std::process::Output) -> Vec<String> {
    out(output).lines().filter(|line| line.starts_with('✗')).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_each_with_the_fix_and_status_1_if_anything_is_wrong() {
    let mut config = Config::new(World::generate(50, 4));
    config.points_per_hour = Some(3600);
    let simulator = Simulator::start(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    let good = [("WCL_URL", url.as_str()), ("WCL_API_KEYS", keys.as_str())];

    let bare = run(folder.path(), &[], &["doctor"]);
    assert_eq!(bare.status.code(), Some(1));
    let lines = wrong(&bare);
    assert!(lines.iter().any(|line| line.contains("WCL_API_KEYS") && line.contains("fix: ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("no store") && line.contains("rules add")), "{lines:?}");

    run(folder.path(), &[], &["rules", "add", "--raid", "61", "--difficulty", "4"]);
    let healthy = run(folder.path(), &good, &["doctor"]);
    assert_eq!(healthy.status.code(), Some(0), "{}", out(&healthy));
    let text = out(&healthy);
    for name in ["settings", "store", "rules", "API", "clock", "key test", "addon repository"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("✓ {name}"))), "{name}: {text}");
    }
    assert!(text.contains("of 3600 points left"), "{text}");

    let secret = keys.replace("\"clientSecret\":\"", "\"clientSecret\":\"wrong");
    let bad_key = run(folder.path(), &[good[0], ("WCL_API_KEYS", &secret)], &["doctor"]);
    assert!(wrong(&bad_key)[0].contains("not accepted"), "{:?}", wrong(&bad_key));
    assert!(!out(&bad_key).contains("wrong"), "no secret is shown");
    let nobody = run(folder.path(), &[("WCL_URL", "http://127.0.0.1:1"), good[1]], &["doctor"]);
    assert!(wrong(&nobody)[0].contains("does not answer"), "{:?}", wrong(&nobody));
    std::fs::write(folder.path().join("file"), "").unwrap();
    let no_folder = run(folder.path(), &good, &["doctor", "--out", "file/addon"]);
    assert!(wrong(&no_folder)[0].contains("addon repository"), "{:?}", wrong(&no_folder));
}
