//! Every invocation leaves its run in the journal, for what it was.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::process::Command;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use parsebook_core::Timestamp;
use parsebook_core::journal::{Fate, Journal, Run};
use parsebook_simulator::World;
use parsebook_test_support::pipeline::{Pipeline, answered, binary};
use serde_json::json;

async fn runs(pipeline: &Pipeline) -> Vec<Run> {
    pipeline.store.runs_since(Timestamp::UNIX_EPOCH).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_run_that_ended_and_one_that_failed_have_the_documented_form() {
    let Some(pipeline) = Pipeline::start(World::generate(60, 5), |_| {}).await.unwrap() else { return };
    pipeline.add_rules().await.unwrap();
    let discover = pipeline.function("discover").await.unwrap();
    let answer = answered(discover.invoke(json!({})).await.unwrap()).unwrap();
    answered(discover.invoke(json!({ "raid": "x", "difficulty": 4 })).await.unwrap()).unwrap_err();
    let aggregator = pipeline.function("aggregator").await.unwrap();
    answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();

    let runs = runs(&pipeline).await;
    let told: Vec<_> = runs.iter().map(|run| (run.stage.as_str(), run.fate(run.ended_at))).collect();
    assert_eq!(told, [("discover", Fate::Ok), ("discover", Fate::Failed), ("aggregator", Fate::Ok)]);
    assert_eq!(runs[0].summary["stopped"], answer["stopped"]);
    assert_eq!(runs[1].summary["errorType"], "InvalidEvent");
    let collection = pipeline.store.database().await.unwrap().collection::<Document>("runs");
    let document = collection.find_one(doc! { "outcome": "ok", "stage": "discover" }).await.unwrap().unwrap();
    assert!(document.get_datetime("startedAt").unwrap() <= document.get_datetime("endedAt").unwrap());
    assert!(document.get_document("summary").unwrap().contains_key("stopped"));
}

#[tokio::test]
async fn a_killed_and_a_hung_run_are_told_apart() {
    let slow = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_secs(600);
    let Some(pipeline) = Pipeline::start(World::generate(20, 5), slow).await.unwrap() else { return };
    let event = json!({ "raid": 61, "difficulty": 4, "startPage": 1, "endPage": 1, "partition": 1 });
    let mut discover = pipeline.function("discover").await.unwrap();
    // The environment ends with its time-out, as Lambda would have it: the stage never comes to an end by itself.
    let time_limit = Duration::from_secs(20);
    let invoked = tokio::time::timeout(Duration::from_secs(6), discover.invoke_for(event, time_limit)).await;
    assert!(invoked.is_err(), "it waits for a page that never comes");
    discover.kill().unwrap();
    let [run] = runs(&pipeline).await.try_into().unwrap();
    assert_eq!(run.stage, "discover");
    let after = |seconds| run.ended_at + chrono::TimeDelta::seconds(seconds);
    assert_eq!(run.fate(after(1)), Fate::Running);
    assert_eq!(run.alive(run.started_at + chrono::TimeDelta::seconds(20)).fate(after(100)), Fate::Hung);
    let long = Run { summary: json!({ "unfinished": true, "deadline": after(900) }), ..run.clone() };
    assert_eq!(long.fate(after(100)), Fate::Killed);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_in_nobodys_way() {
    let Some(pipeline) = Pipeline::start(World::generate(20, 5), |_| {}).await.unwrap() else { return };
    // A view takes no document.
    let view = doc! { "create": "runs", "viewOn": "players", "pipeline": [] };
    pipeline.store.database().await.unwrap().run_command(view).await.unwrap();
    let aggregator = pipeline.function("aggregator").await.unwrap();
    let answer = answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    assert_eq!(answer["stopped"], "complete");
    assert!(aggregator.log().iter().any(|line| line.contains("the journal could not be written")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_a_failed_and_a_hung_invocation_stand_in_the_report_for_what_they_were() {
    let slow = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_secs(600);
    let Some(pipeline) = Pipeline::start(World::generate(20, 5), slow).await.unwrap() else { return };
    let event = json!({ "raid": 61, "difficulty": 4, "startPage": 1, "endPage": 1, "partition": 1 });
    let generator = pipeline.function("db-generator").await.unwrap();
    answered(generator.invoke(json!({ "regions": ["XX"] })).await.unwrap()).unwrap_err();
    // One is killed in the middle; one works until its time limit, where Lambda kills it.
    for (time_limit, killed_after) in [(900, 2), (17, 17)] {
        let mut discover = pipeline.function("discover").await.unwrap();
        let (time_limit, killed_after) = (Duration::from_secs(time_limit), Duration::from_secs(killed_after));
        let invoked = tokio::time::timeout(killed_after, discover.invoke_for(event.clone(), time_limit)).await;
        assert!(invoked.is_err(), "it waits for a page that never comes");
        discover.kill().unwrap();
    }
    // An hour later.
    for run in runs(&pipeline).await {
        let earlier = |at: Timestamp| at - chrono::TimeDelta::hours(1);
        let mut summary = run.summary.clone();
        if let Some(deadline) = summary.get_mut("deadline") {
            *deadline = json!(earlier(serde_json::from_value(deadline.clone()).unwrap()));
        }
        let (started_at, ended_at) = (earlier(run.started_at), earlier(run.ended_at));
        pipeline.store.record(&Run { started_at, ended_at, summary, ..run }).await.unwrap();
    }
    let program = binary("discover").unwrap().with_file_name("parsebook");
    let file = pipeline.scratch.path().join("report.html");
    let mut report = Command::new(program);
    report.args(["report", "--store", "mongodb", "--out"]).arg(&file);
    report.env("MONGODB_URI", &pipeline.uri).env("MONGODB_DATABASE", &pipeline.database);
    assert!(report.status().unwrap().success());
    let html = std::fs::read_to_string(file).unwrap();
    let incidents = html.split(r#"id="incidents""#).nth(1).unwrap();
    let rows: Vec<&str> = incidents.split("<tr>").skip(2).collect();
    let told = |row: &&str| {
        let fate = row.split(r#"class="fate "#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        (row.split("<td>").nth(1).unwrap().split('<').next().unwrap().to_owned(), fate)
    };
    let expected = [("discover", "hung"), ("discover", "killed"), ("db-generator", "failed")];
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        expected.map(|(stage, fate)| (stage.to_owned(), fate.to_owned()))
    );
    assert!(rows[2].contains("XX"), "why it failed: {}", rows[2]);
    for line in ["The last run of db-generator failed.", "The last run of discover hung."] {
        assert!(html.contains(line), "{line}");
    }
}
