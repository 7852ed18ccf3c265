//! A raid's name, bosses and partitions.

use anyhow::{Context, anyhow};
use parsebook_core::RaidId;
use parsebook_core::player::{Encounter, Raid};
use parsebook_core::ports::{ApiError, Clock, Zone, Zones};
use serde_json::Value;

use super::failure::{Failure, OnTimeout};
use super::question::Question;
use super::reply::Body;
use super::{WclApi, json};
use crate::text::excerpt;

impl<C: Clock> Zones for WclApi<C> {
    async fn zone(&self, raid: RaidId) -> Result<Option<Zone>, ApiError> {
        let question = question(raid);
        let key = self.key_for(question.cost).await?;
        let (body, _) = self.ask(key, &question, OnTimeout::Retry).await.map_err(Failure::into_api_error)?;
        let (zone, skipped) =
            answer(raid, &body).map_err(|error| anyhow!(self.guard.withhold(format!("{error:#}"))))?;
        for boss in skipped {
            tracing::warn!(raid, boss = self.guard.withhold(boss), "a boss is skipped");
        }
        Ok(zone)
    }
}

fn question(raid: RaidId) -> Question {
    let fields = format!("zone(id: {raid}) {{ id name encounters {{ id name }} partitions {{ id default }} }}");
    Question::new("worldData", &fields, 1.0)
}

/// The raid, if there is one, and the bosses that are left out.
fn answer(raid: RaidId, body: &Body) -> anyhow::Result<(Option<Zone>, Vec<String>)> {
    if let Some(error) = body.first_error() {
        anyhow::bail!("raid {raid}: the API answered: {}", excerpt(&error));
    }
    if let Some(error) = body.whole_failure("worldData") {
        anyhow::bail!("raid {raid}: {error}");
    }
    let Some(zone) = body.part("worldData", "zone").filter(|zone| !zone.is_null()) else {
        return Ok((None, Vec::new()));
    };
    let name = json::text(zone, "/name").with_context(|| format!("raid {raid} has no name in the answer"))?;
    let list = |field: &str| zone.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (mut encounters, mut skipped) = (Vec::new(), Vec::new());
    for boss in list("encounters").iter().filter(|boss| !boss.is_null()) {
        match (boss.get("id").and_then(json::id), json::text(boss, "/name")) {
            (Some(id), Some(name)) => encounters.push(Encounter { id, name: name.to_owned() }),
            _ => skipped.push(json::told_field(boss, "/id")),
        }
    }
    let number = |partition: &Value| partition.get("id").and_then(json::whole::<u32>);
    let partitions = list("partitions");
    let is_default = |partition: &&Value| partition.get("default").and_then(Value::as_bool) == Some(true);
    let partition = partitions.iter().find(is_default).or(partitions.last()).and_then(number);
    Ok((Some(Zone { raid: Raid { id: raid, name: name.to_owned(), encounters }, partition }), skipped))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(zone: Value) -> anyhow::Result<(Option<Zone>, Vec<String>)> {
        answer(42, &Body { data: json!({ "worldData": { "zone": zone } }), ..Body::default() })
    }

    #[test]
    fn the_default_partition_counts() {
        let zone = answered(json!({
            "name": "Undermine",
            "encounters": [{"id": 3009, "name": "Vexie"}, null, {"id": "x", "name": "?"}, {"id": "3010", "name": "Cauldron"}],
            "partitions": [{"id": 1, "default": false}, {"id": 2, "default": true}, {"id": 3, "default": false}],
        }));
        let (zone, skipped) = zone.unwrap();
        let zone = zone.unwrap();
        assert_eq!(skipped, ["\"x\""]);
        assert_eq!(zone.partition, Some(2));
        assert_eq!(zone.raid.encounters.iter().map(|boss| boss.id).collect::<Vec<_>>(), [3009, 3010]);
    }

    #[test]
    fn a_raid_may_be_absent_or_without_partitions() {
        assert_eq!(answered(Value::Null).unwrap(), (None, vec![]));
        let (zone, _) = answered(json!({"name": "Sporefall", "encounters": [], "partitions": []})).unwrap();
        assert_eq!(zone.unwrap().partition, None, "its reports can be read all the same");
        let error = answered(json!({"encounters": []})).unwrap_err();
        assert!(error.to_string().contains("raid 42"), "{error}");
    }
}
