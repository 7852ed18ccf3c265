//! Rows of `report.rankings`: every player of every ranked kill.

use parsebook_core::player::{Identity, normalized_realm};
use parsebook_core::report::{Metric, Percent, RankRow};
use parsebook_core::{Difficulty, EncounterId, RaidId};
use serde_json::Value;

use super::super::classes::class_id;
use super::super::json;
use super::Skipped;
use crate::text::excerpt;

/// What an answer holds.
#[derive(Debug, Default)]
pub struct Rows {
    /// Kills in it, those without a player among them.
    pub fights: usize,
    /// Every row, whatever was measured, with the metric that counts for its spec.
    pub rows: Vec<RankRow>,
}

/// Why an answer holds no rows.
#[derive(Debug, PartialEq, Eq)]
pub enum NoRows {
    /// What WCL says instead.
    Refused(String),
    /// What cannot be understood.
    Odd(String),
}

impl NoRows {
    pub fn text(&self) -> &str {
        match self {
            Self::Refused(reason) | Self::Odd(reason) => reason,
        }
    }
}

/// Reads `{"data": [fight, …]}`, which may come as text. A fight or row that cannot be understood is skipped; an error
/// when there are some and none can be.
pub fn read(answer: &Value, skipped: &mut Skipped) -> Result<Rows, NoRows> {
    let answer = json::scalar(answer);
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        return Err(NoRows::Refused(excerpt(error)));
    }
    let fights = answer.get("data").and_then(Value::as_array);
    let fights = fights.ok_or_else(|| NoRows::Odd(format!("not rankings: {}", json::told(&answer))))?;
    let mut read = Rows { fights: fights.len(), rows: Vec::new() };
    let mut odd = Skipped::default();
    for fight in fights {
        match Fight::read(fight) {
            Ok(known) => known.read_rows(fight, &mut read.rows, &mut odd),
            Err(reason) => odd.push(reason),
        }
    }
    if let Some(reason) = odd.nothing_understood(read.rows.len()) {
        return Err(NoRows::Odd(reason));
    }
    skipped.append(odd);
    Ok(read)
}

/// What all rows of a kill share.
struct Fight {
    number: u32,
    raid: RaidId,
    encounter: EncounterId,
    difficulty: Difficulty,
    partition: i32,
}

impl Fight {
    fn read(fight: &Value) -> Result<Self, String> {
        let number = fight.get("fightID").and_then(json::whole);
        let number: u32 = number.ok_or_else(|| format!("fight {}", json::told_field(fight, "/fightID")))?;
        let odd = |field: &str| format!("fight {number}: {field} {}", json::told_field(fight, &format!("/{field}")));
        let partition = match fight.get("partition") {
            None | Some(Value::Null) => Some(0),
            Some(partition) => json::whole(partition),
        };
        Ok(Self {
            number,
            raid: fight.get("zone").and_then(json::id).ok_or_else(|| odd("zone"))?,
            encounter: fight.pointer("/encounter/id").and_then(json::id).ok_or_else(|| odd("encounter/id"))?,
            difficulty: fight.get("difficulty").and_then(json::whole).ok_or_else(|| odd("difficulty"))?,
            partition: partition.ok_or_else(|| odd("partition"))?,
        })
    }

    fn read_rows(&self, fight: &Value, rows: &mut Vec<RankRow>, odd: &mut Skipped) {
        let Some(roles) = fight.get("roles").and_then(Value::as_object) else {
            return odd.push(format!("fight {}: roles {}", self.number, json::told_field(fight, "/roles")));
        };
        for (role, group) in roles {
            let characters = group.get("characters").and_then(Value::as_array);
            for row in characters.into_iter().flatten() {
                match self.row(row, role == "healers") {
                    Ok(row) => rows.push(row),
                    Err(reason) => odd.push(format!("fight {}: {reason}", self.number)),
                }
            }
        }
    }

    fn row(&self, row: &Value, is_healer: bool) -> Result<RankRow, String> {
        let player =
            row.get("id").and_then(json::id).ok_or_else(|| format!("player {}", json::told_field(row, "/id")))?;
        let odd = |field: &str| format!("player {player}: {field} {}", json::told_field(row, &format!("/{field}")));
        let text = |field: &str| json::text(row, &format!("/{field}")).map(str::to_owned).ok_or_else(|| odd(field));
        let class_id = row.get("class").and_then(json::slug).and_then(|class| class_id(&class));
        let class_id = class_id.ok_or_else(|| odd("class"))?;
        let spec = row.get("spec").and_then(json::slug);
        let metric = match &spec {
            Some(spec) => Metric::counts(class_id, spec),
            None if is_healer && Metric::can_heal(class_id) => Metric::Hps,
            None => Metric::Dps,
        };
        let percent = match row.get("rankPercent") {
            None | Some(Value::Null) => Percent::NotYet,
            Some(Value::String(dash)) if dash.trim() == "-" => Percent::Unranked,
            Some(percent) => Percent::Known(json::percent(percent).ok_or_else(|| odd("rankPercent"))?),
        };
        let server = text("server/name")?;
        Ok(RankRow {
            raid: self.raid,
            player,
            identity: Identity {
                name: text("name")?,
                region: text("server/region")?.to_uppercase(),
                normalized_server: normalized_realm(&server),
                server,
                class_id,
            },
            metric,
            spec,
            fight: self.number,
            encounter: self.encounter,
            difficulty: self.difficulty,
            partition: self.partition,
            percent,
            banned: row.get("banned").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: u32, class: &str, spec: &str, percent: Value) -> Value {
        json!({
            "id": id, "name": "Chôgun", "server": {"id": 1, "name": "Temple noir", "region": "EU"}, "class": class,
            "spec": spec, "amount": 1.5, "bracketData": 600, "bracket": 1, "rank": "~12", "best": "-",
            "totalParses": 10, "bracketPercent": 5, "rankPercent": percent,
        })
    }

    fn fight(number: u32, healers: Vec<Value>, dps: Vec<Value>) -> Value {
        json!({
            "fightID": number, "partition": 2, "zone": 44, "encounter": {"id": 3129, "name": "B"}, "difficulty": 4,
            "roles": {
                "tanks": {"name": "Tanks", "characters": []},
                "healers": {"name": "Healers", "characters": healers},
                "dps": {"name": "Damage Dealers", "characters": dps},
            },
        })
    }

    #[test]
    fn every_row_is_read_with_the_metric_of_its_spec() {
        let healers = vec![row(1, "Paladin", "Holy", json!(91)), row(2, "Priest", "Discipline", Value::Null)];
        let mut banned = row(4, "Hunter", "BeastMastery", json!("44.5"));
        banned["banned"] = json!(true);
        let dps =
            vec![row(3, "Paladin", "Retribution", json!("-")), banned, row(5, "DemonHunter", "Havoc", json!(101))];
        let answer = json!({"data": [fight(7, healers, dps), fight(8, vec![], vec![])]});
        for answer in [Value::from(answer.to_string()), answer] {
            let mut skipped = Skipped::default();
            let read = read(&answer, &mut skipped).unwrap();
            let told: Vec<_> = read.rows.iter().map(|row| (row.player, row.metric, row.percent, row.banned)).collect();
            let expected = [
                (3, Metric::Dps, Percent::Unranked, false),
                (4, Metric::Dps, Percent::Known(44.5), true),
                (5, Metric::Dps, Percent::Known(100.0), false),
                (1, Metric::Hps, Percent::Known(91.0), false),
                (2, Metric::Hps, Percent::NotYet, false),
            ];
            let mut told = told;
            told.sort_by_key(|row| (row.1, row.0));
            assert_eq!(told, expected);
            assert_eq!(read.fights, 2);
            let row = read.rows.iter().find(|row| row.player == 4).unwrap();
            assert_eq!((row.fight, row.encounter, row.difficulty, row.partition), (7, 3129, 4, 2));
            assert_eq!(row.spec.as_deref(), Some("BeastMastery"));
            assert_eq!((row.identity.normalized_server.as_str(), row.identity.class_id), ("Templenoir", 3));
            assert!(skipped.into_lines().is_empty());
        }
    }

    #[test]
    fn odd_rows_and_fights_are_named_and_nothing_but_those_is_an_error() {
        let mut nameless = row(2, "Mage", "Frost", json!(1));
        nameless["name"] = json!(7);
        let rows = vec![
            row(1, "Bard", "Lute", json!(1)),
            nameless,
            row(3, "Mage", "Frost", json!({})),
            row(4, "Mage", "Fire", json!(9)),
        ];
        let mut boundless = fight(9, vec![], vec![]);
        boundless["encounter"] = Value::Null;
        let mut skipped = Skipped::default();
        let read_all = read(&json!({"data": [fight(8, vec![], rows), boundless]}), &mut skipped).unwrap();
        assert_eq!(read_all.rows.len(), 1);
        let named = [
            "fight 8: player 1: class \"Bard\"",
            "fight 8: player 2: name 7",
            "fight 8: player 3: rankPercent an object",
            "fight 9: encounter/id missing",
        ];
        assert_eq!(skipped.into_lines(), named);
        for odd in [json!(null), json!([]), json!({"data": null}), json!({"data": [1]}), json!({"error": "no"})] {
            assert!(read(&odd, &mut Skipped::default()).is_err(), "{odd}");
        }
        assert!(read(&json!({"data": []}), &mut Skipped::default()).unwrap().rows.is_empty());
    }
}
