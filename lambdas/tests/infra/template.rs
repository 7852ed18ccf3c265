//! What the template must say, and must not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{python, template, told_by};

/// The template as JSON, its short functions spelled out.
fn read() -> Option<Value> {
    let told = told_by(python("template.py", "")?.arg(template()));
    assert!(told.succeeded, "{}", told.errors);
    Some(serde_json::from_str(&told.output).unwrap())
}

fn of_type<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let of_kind = resources.filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.as_str(), resource)).collect()
}

const SCHEDULED: [&str; 4] = ["Discover", "Aggregator", "Reviver", "DbGenerator"];

#[test]
fn nothing_fires_when_the_stack_is_made_and_no_two_at_once() {
    let Some(template) = read() else { return };
    let mut minutes = BTreeSet::new();
    for name in SCHEDULED {
        let default = template["Parameters"][format!("{name}Schedule")]["Default"].as_str().unwrap();
        let fields = default
            .strip_prefix("cron(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or_else(|| panic!("{default}"));
        let first: u32 = fields.split(['/', ' ']).next().unwrap().parse().unwrap();
        assert_eq!(fields.split(' ').count(), 6, "{default}");
        // discover comes twice an hour.
        assert!(minutes.insert(first % 30), "{name} begins at a minute of another");
        let schedule = &template["Resources"][format!("{name}WakeUp")]["Properties"];
        assert_eq!(schedule["ScheduleExpression"]["Ref"], format!("{name}Schedule"));
        assert!(schedule["Target"]["DeadLetterConfig"]["Arn"].is_object(), "{name}");
        let retries = of_type(&template, "AWS::Lambda::EventInvokeConfig");
        assert!(
            retries.values().any(|retry| retry["Properties"]["FunctionName"]["Ref"] == name),
            "{name}: no retries set"
        );
    }
    assert_eq!(template["Resources"]["ReviverWakeUp"]["DependsOn"], "PlayerRankMapping");
}

#[test]
fn every_alarm_tells_both_turns_and_knows_what_no_data_means() {
    let Some(template) = read() else { return };
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    for (name, alarm) in &alarms {
        let alarm = &alarm["Properties"];
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[actions][0]["Ref"], "Alarms", "{name}: {actions}");
        }
        assert!(alarm["TreatMissingData"].is_string() && alarm["AlarmDescription"].is_string(), "{name}");
        let of_metrics = alarm["Metrics"].as_array().into_iter().flatten();
        let periods = of_metrics.filter_map(|metric| metric["MetricStat"]["Period"].as_u64());
        let period = periods.chain(alarm["Period"].as_u64()).max().unwrap();
        let span = period * alarm["EvaluationPeriods"].as_u64().unwrap();
        // CloudWatch: a day, or seven days for periods of an hour and more.
        assert!(span <= if period < 3600 { 86_400 } else { 604_800 }, "{name}: {span} s");
    }
    let late = &alarms["PlayerRankErrorsAlarm"]["Properties"]["DatapointsToAlarm"];
    assert!(late.as_u64().is_some_and(|points| points > 1), "late metrics must not ring");
}

#[test]
fn nothing_at_run_time_is_owned_by_the_template() {
    let Some(template) = read() else { return };
    let functions = of_type(&template, "AWS::Serverless::Function");
    assert!(functions["PlayerRank"]["Properties"].get("ReservedConcurrentExecutions").is_none());
    assert!(template["Resources"]["PlayerRankMapping"]["Properties"].get("Enabled").is_none());
    let reserved = &functions["Aggregator"]["Properties"]["ReservedConcurrentExecutions"];
    assert_eq!(reserved["Fn::If"], serde_json::json!(["Reserves", 1, { "Ref": "AWS::NoValue" }]));
    let others = functions.iter().filter(|(name, _)| **name != "Aggregator");
    for (name, function) in others {
        assert!(function["Properties"].get("ReservedConcurrentExecutions").is_none(), "{name}");
    }
}

#[test]
fn a_batch_that_is_worked_on_is_not_delivered_twice_and_nothing_is_dropped_early() {
    let Some(template) = read() else { return };
    let queue = |name: &str| template["Resources"][name]["Properties"].clone();
    let timeout = template["Resources"]["PlayerRank"]["Properties"]["Timeout"].as_u64().unwrap();
    assert_eq!(queue("PlayersQueue")["VisibilityTimeout"].as_u64().unwrap(), 6 * timeout);
    for name in of_type(&template, "AWS::SQS::Queue").keys() {
        assert!(template["Resources"][name]["DeletionPolicy"].is_string(), "{name}");
        assert!(queue(name)["MessageRetentionPeriod"].is_u64(), "{name} keeps messages for four days only");
    }
    // A receive an hour on the way into each pause, for fourteen days.
    assert!(queue("PlayersQueue")["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() > 14 * 24);
    let mapping = &template["Resources"]["PlayerRankMapping"]["Properties"];
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"]["Ref"], "ConcurrencyLimit");
    assert_eq!(mapping["FunctionResponseTypes"][0], "ReportBatchItemFailures");
    assert_eq!(template["Parameters"]["ConcurrencyLimit"]["Default"], 5, "as documented");
}

#[test]
fn logs_end_and_are_there_before_their_function() {
    let Some(template) = read() else { return };
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let logs = function["DependsOn"].as_str().unwrap();
        assert_eq!(logs, format!("{name}Logs"));
        assert!(template["Resources"][logs]["Properties"]["RetentionInDays"].is_u64(), "{logs} are kept for ever");
    }
    assert_eq!(
        template["Globals"]["Function"]["LoggingConfig"]["ApplicationLogLevel"], "INFO",
        "metrics are INFO lines"
    );
}
