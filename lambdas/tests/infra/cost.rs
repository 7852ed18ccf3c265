//! The costs that docs/deploy.md shows are those of the template.

use std::path::Path;

use serde_json::Value;

use crate::support::{python, root, template, told_by};

const NOWHERE: &str = "http://127.0.0.1:1";

fn json(template: &str, parameters: &[&str]) -> Option<Value> {
    let mut command = python("cost.py", NOWHERE)?;
    let told = told_by(command.args(["--json", template, "docs/deploy.md"]).args(parameters));
    assert!(told.succeeded, "{}", told.errors);
    Some(serde_json::from_str(&told.output).unwrap())
}

fn is_written(template: &str, page: &Path) -> Option<bool> {
    Some(told_by(python("cost.py", NOWHERE)?.args(["--check", template]).arg(page)).succeeded)
}

fn total(told: &Value) -> f64 {
    told["withFreeTier"].as_f64().unwrap()
}

#[test]
fn five_regions_on_one_key_cost_less_than_a_dollar() {
    let Some(told) = json(&template(), &[]) else { return };
    assert!(total(&told) < 1.0, "{told}");
    let metrics = told["used"]["metrics"].as_f64().unwrap();
    assert!(metrics > 1.0 && metrics <= 9.0, "{metrics} metric-months");
    for (name, seconds) in told["used"]["gb_seconds"].as_object().unwrap() {
        assert!(seconds.as_f64().unwrap() > 0.0, "{name}");
    }
    assert_eq!(is_written(&template(), &root().join("docs/deploy.md")), Some(true), "fix: scripts/cost --write");
}

#[test]
fn another_template_costs_something_else_and_the_page_is_told() {
    let Some(before) = json(&template(), &[]) else { return };
    let text = std::fs::read_to_string(template()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let changed = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let with_memory = changed("memory.yaml", text.replace("MemorySize: 128", "MemorySize: 3008"));
    let at = text.find("  NoPublicationAlarm:").unwrap();
    let alarm = text[at..].split("  DiscoverRefusedAlarm:").next().unwrap();
    let one_more = alarm.replace("NoPublicationAlarm", "OneMoreAlarm").replace("publications", "others");
    let with_alarm = changed("alarm.yaml", format!("{}{one_more}{}", &text[..at], &text[at..]));

    let memory = json(&with_memory, &[]).unwrap();
    assert!(total(&memory) > total(&before) + 1.0, "{memory}");
    let alarms = json(&with_alarm, &[]).unwrap();
    assert!((total(&alarms) - total(&before) - 0.1).abs() < 0.01, "{alarms}");
    assert!(alarms["used"]["metrics"].as_f64() > before["used"]["metrics"].as_f64(), "{alarms}");
    let often = json(&template(), &["DbGeneratorSchedule=rate(5 minutes)"]).unwrap();
    assert!(often["used"]["requests"].as_f64() > before["used"]["requests"].as_f64(), "{often}");
    let page = root().join("docs/deploy.md");
    assert_eq!((is_written(&with_memory, &page), is_written(&with_alarm, &page)), (Some(false), Some(false)));
}

#[test]
fn parameters_that_the_template_refuses_cost_nothing() {
    let Some(mut command) = python("cost.py", NOWHERE) else { return };
    let told = told_by(command.args(["--json", &template(), "docs/deploy.md", "ConcurrencyLimit=1"]));
    assert!(
        !told.succeeded && told.errors.contains("ConcurrencyLimit: 1 is not between 2 and 1000"),
        "{}",
        told.errors
    );
}
