//! What the Lambdas are called with: by a schedule, by the queue, or by hand. Each answers what is meant, or in one
//! line what is wrong with it; fields of somebody else's (a schedule's own) are of no concern.

use parsebook_core::rank::Delivery;
use parsebook_core::rule::Target;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::settings::checked_regions;

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEvent(pub String);

fn invalid(problem: impl std::fmt::Display) -> InvalidEvent {
    InvalidEvent(problem.to_string())
}

/// discover's: the range to work, or `None` for the most overdue rules (any event without `raid`).
///
/// # Errors
/// When it is a range that no board has.
pub fn backfill(event: &Value) -> Result<Option<Target>, InvalidEvent> {
    if event.get("raid").is_none() {
        return Ok(None);
    }
    let target = Target::deserialize(event).map_err(invalid)?;
    target.checked().map(Some).map_err(invalid)
}

/// aggregator's: whether to send whatever the rules' freshness.
///
/// # Errors
/// When `force` is neither true nor false.
pub fn force(event: &Value) -> Result<bool, InvalidEvent> {
    match event.get("force") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(force)) => Ok(*force),
        Some(other) => Err(invalid(format!("force: {other} is neither true nor false"))),
    }
}

/// player-rank's from the queue: the messages of an SQS event, or `None` if it is not one. Bodies stay texts, so that a
/// malformed one fails alone.
///
/// # Errors
/// When a record has no id: then nothing could be reported of it, and the whole batch must come back.
pub fn deliveries(event: &Value) -> Result<Option<Vec<Delivery>>, InvalidEvent> {
    let Some(records) = event.get("Records") else { return Ok(None) };
    let records = records.as_array().ok_or_else(|| invalid("Records is no list"))?;
    let delivery = |record: &Value| {
        let message_id = record.get("messageId").and_then(Value::as_str);
        let message_id = message_id.ok_or_else(|| invalid("a record without messageId"))?;
        let body = match record.get("body") {
            Some(Value::String(body)) => body.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Ok(Delivery { message_id: message_id.to_owned(), body })
    };
    records.iter().map(delivery).collect::<Result<_, _>>().map(Some)
}

/// player-rank's by hand: players and reports as messages; the same rules hold for both.
///
/// # Errors
/// When it names neither.
pub fn by_hand(event: &Value) -> Result<Vec<Delivery>, InvalidEvent> {
    let list = |name: &str| event.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let (players, reports) = (list("players"), list("reports"));
    if players.is_none() && reports.is_none() {
        return Err(invalid("neither Records nor players nor reports"));
    }
    let player = |(index, player): (usize, &Value)| Delivery {
        message_id: format!("players[{index}]"),
        body: player.to_string(),
    };
    let report = |(index, code): (usize, &Value)| Delivery {
        message_id: format!("reports[{index}]"),
        body: json!({ "report": code }).to_string(),
    };
    let players = players.unwrap_or_default().iter().enumerate().map(player);
    Ok(players.chain(reports.unwrap_or_default().iter().enumerate().map(report)).collect())
}

/// db-generator's.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Publication {
    /// Only these regions.
    pub regions: Option<Vec<String>>,
    /// Whether nothing is to be published.
    pub dry_run: Option<bool>,
}

impl Publication {
    /// Reads it; anything but an object asks for everything.
    ///
    /// # Errors
    /// When a field is of another kind, or a region is none.
    pub fn read(event: &Value) -> Result<Self, InvalidEvent> {
        if !event.is_object() {
            return Ok(Self::default());
        }
        let event = Self::deserialize(event).map_err(invalid)?;
        if let Some(regions) = event.regions.clone() {
            checked_regions(regions).map_err(|problem| invalid(format!("regions: {problem}")))?;
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use parsebook_core::rule::SourceKind;

    use super::*;

    #[test]
    fn an_event_with_a_raid_is_a_backfill() {
        let event = json!({ "raid": 26, "difficulty": 3, "startPage": 1, "endPage": 600 });
        let target = backfill(&event).unwrap().unwrap();
        assert_eq!((target.raid, target.difficulty, target.start_page, target.end_page), (26, 3, 1, 600));
        assert_eq!((target.source, target.partition), (SourceKind::Site, None));
        for event in [json!({}), json!(null), json!({ "source": "aws.scheduler" }), json!([1]), json!("raid")] {
            assert_eq!(backfill(&event), Ok(None), "{event}");
        }
        for event in [
            json!({ "raid": 26 }),
            json!({ "raid": "x", "difficulty": 3 }),
            json!({ "raid": 26, "difficulty": 2 }),
            json!({ "raid": 26, "difficulty": 3, "startPage": 9, "endPage": 1 }),
        ] {
            assert!(backfill(&event).is_err(), "{event}");
        }
    }

    #[test]
    fn force_is_true_or_false() {
        for (event, forced) in [
            (json!({}), Ok(false)),
            (json!(null), Ok(false)),
            (json!({ "force": null }), Ok(false)),
            (json!({ "force": true }), Ok(true)),
            (json!({ "force": "yes" }), Err(invalid("force: \"yes\" is neither true nor false"))),
        ] {
            assert_eq!(force(&event), forced, "{event}");
        }
    }

    #[test]
    fn bodies_stay_as_they_are() {
        let event = json!({ "Records": [
            { "messageId": "a", "body": "{\"id\":1" }, { "messageId": "b", "body": { "id": 2 } }, { "messageId": "c" },
        ] });
        let bodies: Vec<_> = deliveries(&event).unwrap().unwrap().into_iter().map(|delivery| delivery.body).collect();
        assert_eq!(bodies, ["{\"id\":1", "{\"id\":2}", ""]);
        assert!(deliveries(&json!({ "players": [] })).unwrap().is_none());
        for bad in [json!({ "Records": 1 }), json!({ "Records": [{}] })] {
            assert!(deliveries(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn players_by_hand_are_messages() {
        let event = json!({ "players": [{ "id": 7, "raidsToScrap": { "31": [4] } }, "nonsense"] });
        let deliveries = by_hand(&event).unwrap();
        assert_eq!(deliveries[0].body, r#"{"id":7,"raidsToScrap":{"31":[4]}}"#);
        assert_eq!(deliveries[1].message_id, "players[1]");
        assert!(by_hand(&json!({})).is_err());
        let reports = by_hand(&json!({ "reports": ["aBcD1234"] })).unwrap();
        assert_eq!(reports[0].body, r#"{"report":"aBcD1234"}"#);
    }

    #[test]
    fn a_publication_may_be_of_some_regions_or_dry() {
        let event = Publication::read(&json!({ "regions": ["EU"], "dryRun": true })).unwrap();
        assert_eq!(event, Publication { regions: Some(vec!["EU".into()]), dry_run: Some(true) });
        for event in [json!(null), json!({}), json!({ "source": "schedule" })] {
            assert_eq!(Publication::read(&event).unwrap(), Publication::default());
        }
        for event in [
            json!({ "regions": "EU" }),
            json!({ "regions": [] }),
            json!({ "regions": ["eu/.."] }),
            json!({ "dryRun": 1 }),
        ] {
            assert!(Publication::read(&event).is_err(), "{event}");
        }
    }
}
