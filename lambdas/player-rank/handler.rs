//! Between player-rank's event and its stage.

use std::collections::BTreeMap;
use std::time::Duration;

use parsebook_adapters::aws::consumer_switch::LambdaSwitch;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::rank::{Delivery, RankConfig, RankError, RankPorts, RankSummary, rank_batch};
use parsebook_lambda::{Answer, Failure, Invocation, Metrics, sqs};
use serde_json::Value;

/// Left at the end for telling that time is up: the batch goes back whole and is asked again.
const MARGIN: Duration = Duration::from_secs(2);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct PlayerRank {
    pub store: MongoStore,
    pub api: WclApi<SystemClock>,
    pub switch: LambdaSwitch<SystemClock>,
    pub config: RankConfig,
}

impl PlayerRank {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let queued = sqs::deliveries(&invocation.event)?;
        let is_queued = queued.is_some();
        let deliveries = match queued {
            Some(deliveries) => deliveries,
            None => by_hand(&invocation.event)?,
        };
        let ports = RankPorts { store: &self.store, api: &self.api, switch: &self.switch, clock: &SystemClock };
        let time_left = (invocation.deadline - invocation.now).to_std().unwrap_or_default().saturating_sub(MARGIN);
        let ranking = rank_batch(&ports, &self.config, &deliveries);
        let ranked = tokio::time::timeout(time_left, ranking).await.map_err(|_| Failure::out_of_time())?;
        let summary = ranked.map_err(|error| failure(error).count("messagesReturned", deliveries.len() as u64))?;
        let mut answer = Answer::of(&summary, metrics(&summary))?;
        if is_queued {
            answer.response = sqs::batch_response(&summary);
        }
        Ok(answer)
    }
}

fn failure(error: RankError) -> Failure {
    let name = error.name();
    let pauses = match &error {
        RankError::Failed(_) => 0,
        RankError::NoBudget { paused_until, .. } => u64::from(paused_until.is_some()),
        RankError::Blocked(_) => 1,
    };
    let mut failure = match &error {
        RankError::Failed(error) => Failure::new(name, format!("{error:#}")),
        RankError::NoBudget { .. } | RankError::Blocked(_) => Failure::new(name, error.to_string()),
    };
    if let RankError::NoBudget { points_left, .. } = &error {
        failure.metrics = of_keys(failure.metrics, points_left);
    }
    failure.count("pauses", pauses)
}

/// The players of a manual backfill, as messages: the same rules hold for both.
fn by_hand(event: &Value) -> Result<Vec<Delivery>, Failure> {
    let players = event.get("players").and_then(Value::as_array);
    let players = players.ok_or_else(|| Failure::invalid_event("neither Records nor players"))?;
    let delivery = |(index, player): (usize, &Value)| Delivery {
        message_id: format!("players[{index}]"),
        body: player.to_string(),
    };
    Ok(players.iter().enumerate().map(delivery).collect())
}

fn metrics(summary: &RankSummary) -> Metrics {
    let mut metrics = Metrics::default()
        .count("messagesDone", u64::from(summary.done))
        .count("messagesFinished", summary.finished.len() as u64)
        .count("messagesReturned", summary.failed.len() as u64)
        .count("hiddenPlayers", u64::from(summary.hidden))
        .count("noBudget", 0)
        .count("pauses", u64::from(summary.refused))
        .count("refusals", u64::from(summary.refused))
        .count("failures", 0);
    if let Some(key) = &summary.key {
        metrics = metrics.of_key(key, "pointsSpent", summary.points_spent);
    }
    of_keys(metrics, &summary.points_left)
}

fn of_keys(metrics: Metrics, points_left: &BTreeMap<String, f64>) -> Metrics {
    points_left.iter().fold(metrics, |metrics, (key, points)| metrics.of_key(key, "pointsLeft", *points))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn players_by_hand_are_messages() {
        let event = json!({ "players": [{ "id": 7, "raidsToScrap": { "31": [4] } }, "nonsense"] });
        let deliveries = by_hand(&event).unwrap();
        assert_eq!(deliveries[0].body, r#"{"id":7,"raidsToScrap":{"31":[4]}}"#);
        assert_eq!(deliveries[1].message_id, "players[1]");
        assert_eq!(by_hand(&json!({})).unwrap_err().name, "InvalidEvent");
    }

    #[test]
    fn failures_keep_their_names() {
        let points_left = BTreeMap::from([("main".to_owned(), 4.0)]);
        let error = RankError::NoBudget { required: 5.0, limit: 3, paused_until: None, points_left };
        let failed = failure(error);
        assert_eq!(failed.name, "NoBudget");
        assert_eq!(failed.metrics, Metrics::default().of_key("main", "pointsLeft", 4.0).count("pauses", 0));
        assert_eq!(failure(RankError::Blocked("no".into())).name, "Blocked");
        assert_eq!(failure(RankError::Failed(anyhow::anyhow!("x"))).name, "Failed");
    }
}
