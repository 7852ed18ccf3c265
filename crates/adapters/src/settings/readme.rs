//! The README's table of variables, and those that the template sets, against what is read.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AggregatorSettings, DbGeneratorSettings, DiscoverSettings, Environment, MachineSettings, PlayerRankSettings,
    ReviverSettings,
};

/// What nobody sets, or what is none of ours.
const NOT_IN_THE_TABLE: [&str; 1] = ["AWS_LAMBDA_FUNCTION_NAME"];

/// All that has no default.
fn environment() -> Environment {
    Environment::from_iter([
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
    ])
}

/// Every variable that some program reads, with its default.
fn read() -> BTreeMap<String, String> {
    let environment = environment();
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

/// The variables that the template sets for a function.
fn set_by_the_template(function: &str) -> BTreeSet<String> {
    let template = include_str!("../../../../infra/template.yaml");
    let of_function = template.split_once(&format!("\n  {function}:\n")).unwrap().1;
    let variables = of_function.split_once("        Variables:\n").unwrap().1.lines();
    let variables = variables.take_while(|line| line.starts_with("          "));
    let set = variables.map(str::trim).filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    set.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_template_sets_what_each_function_reads_and_nothing_else() {
    /// Reads the settings of one function.
    type Read = fn(&Environment);
    let functions: [(&str, Read); 5] = [
        ("Discover", |environment| drop(DiscoverSettings::read(environment).unwrap())),
        ("Aggregator", |environment| drop(AggregatorSettings::read(environment).unwrap())),
        ("PlayerRank", |environment| drop(PlayerRankSettings::read(environment).unwrap())),
        ("Reviver", |environment| drop(ReviverSettings::read(environment).unwrap())),
        ("DbGenerator", |environment| drop(DbGeneratorSettings::read(environment).unwrap())),
    ];
    // Lambda sets the first; the template sets the names of secrets, never a secret.
    let never_set = ["AWS_LAMBDA_FUNCTION_NAME", "MONGODB_URI", "WCL_API_KEYS", "GIT_TOKEN"];
    for (name, read) in functions {
        let environment = environment();
        read(&environment);
        let mut read: BTreeSet<String> = environment.read.borrow().keys().cloned().collect();
        read.retain(|variable| !never_set.contains(&variable.as_str()));
        assert_eq!(set_by_the_template(name), read, "{name}");
    }
}
