//! Every invocation leaves its run in the journal, for what it was.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use parsebook_core::Timestamp;
use parsebook_core::journal::{Fate, Journal, Run};
use parsebook_simulator::World;
use parsebook_test_support::pipeline::{Pipeline, answered};
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
    let collection = pipeline.store.database().collection::<Document>("runs");
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
    pipeline.store.database().run_command(view).await.unwrap();
    let aggregator = pipeline.function("aggregator").await.unwrap();
    let answer = answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    assert_eq!(answer["stopped"], "complete");
    assert!(aggregator.log().iter().any(|line| line.contains("the journal could not be written")));
}
