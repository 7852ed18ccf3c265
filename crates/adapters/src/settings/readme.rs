//! The README's table of variables against what is read.

use std::collections::BTreeMap;

use super::{
    AggregatorSettings, DbGeneratorSettings, DiscoverSettings, Environment, MachineSettings, PlayerRankSettings,
    ReviverSettings,
};

/// What nobody sets, or what is none of ours.
const NOT_IN_THE_TABLE: [&str; 1] = ["AWS_LAMBDA_FUNCTION_NAME"];

/// Every variable that some program reads, with its default.
fn read() -> BTreeMap<String, String> {
    let needed = [
        ("MONGODB_URI", "u"),
        ("WCL_API_KEYS", r#"[{"name":"a","clientId":"i","clientSecret":"s"}]"#),
        ("QUEUE_URL", "https://q"),
        ("WCL_CALL_BUDGET", "6"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("REVIVER_SCHEDULE_NAME", "n"),
        ("REVIVER_FUNCTION_ARN", "arn:a"),
        ("SCHEDULER_ROLE_ARN", "arn:r"),
        ("LAMBDA_TO_REVIVE", "f"),
        ("GIT_REPOSITORY_URL", "file:///r"),
    ];
    let environment = Environment::from_iter(needed);
    DiscoverSettings::read(&environment).unwrap();
    AggregatorSettings::read(&environment).unwrap();
    PlayerRankSettings::read(&environment).unwrap();
    ReviverSettings::read(&environment).unwrap();
    DbGeneratorSettings::read(&environment).unwrap();
    // Last: on one machine more has a default.
    MachineSettings::read(&environment).unwrap();
    let read = environment.read.borrow().clone();
    let version = env!("CARGO_PKG_VERSION");
    let default = |default: Option<String>| default.unwrap_or_else(|| "–".to_owned()).replace(version, "<version>");
    read.into_iter().map(|(variable, value)| (variable, default(value))).collect()
}

/// The rows of the table `| variable | default | meaning |`: variable → default. A row may hold several, in order.
fn documented(readme: &str) -> BTreeMap<String, String> {
    let table = readme.split_once("\n## Variables").unwrap().1.split("\n## ").next().unwrap();
    let mut documented = BTreeMap::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let variables: Vec<&str> = cells[0].split('`').skip(1).step_by(2).collect();
        let defaults: Vec<String> = if variables.len() == 1 {
            vec![cells[1].replace('`', "")]
        } else {
            cells[1].split(", ").map(|default| default.replace('`', "")).collect()
        };
        for (index, variable) in variables.iter().enumerate() {
            let default = defaults.get(index).or(defaults.first()).unwrap();
            documented.insert((*variable).to_owned(), default.trim().to_owned());
        }
    }
    documented
}

#[test]
fn the_readmes_table_names_every_variable_with_its_default() {
    let mut documented = documented(include_str!("../../../../README.md"));
    // Not a setting of parsebook itself.
    assert!(documented.remove("RUST_LOG").is_some());
    let mut read = read();
    for variable in NOT_IN_THE_TABLE {
        assert!(read.remove(variable).is_some());
    }
    assert_eq!(documented, read);
}

#[test]
fn the_templates_user_agent_names_this_version() {
    let default = format!("Default: parsebook/{} (+contact address)", env!("CARGO_PKG_VERSION"));
    assert!(include_str!("../../../../infra/template.yaml").contains(&default), "{default}");
}
