//! `players.ranks`: raid → difficulty → metric → its ranks, each a document whose fields are named by numbers or metrics.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use parsebook_core::player::{DifficultyRanks, EncounterRank, MetricRanks, RaidRanks};
use parsebook_core::ports::{Known, Result};
use parsebook_core::{Difficulty, EncounterId, RaidId, Timestamp};

use super::Stored;

/// One raid and difficulty, for storing.
pub fn of_difficulty<V: Stored>(ranks: &DifficultyRanks) -> V {
    V::of_fields(ranks.iter().map(|(name, metric)| (name, of_metric(metric))))
}

fn of_metric<V: Stored>(metric: &MetricRanks) -> V {
    let rank =
        |rank: &EncounterRank| V::of_fields([("rankPercent", rank.rank_percent.into()), ("kills", rank.kills.into())]);
    let mut fields = vec![
        ("partition", metric.partition.into()),
        ("rankedAt", V::of_time(metric.ranked_at)),
        ("readAt", metric.read_at.map(V::of_time).unwrap_or_default()),
        ("encounters", by_boss(&metric.encounters, rank)),
    ];
    if let Some(spec) = &metric.spec {
        fields.push(("spec", spec.as_str().into()));
    }
    if !metric.specs.is_empty() {
        fields.push(("specs", by_boss(&metric.specs, |spec| spec.as_str().into())));
    }
    if !metric.ends.is_empty() {
        let ends = |ends: &Vec<Timestamp>| ends.iter().copied().map(V::of_time).collect::<Vec<V>>().into();
        fields.push(("ends", by_boss(&metric.ends, ends)));
    }
    V::of_fields(fields)
}

fn by_boss<T, V: Stored>(of: &BTreeMap<EncounterId, T>, stored: impl Fn(&T) -> V) -> V {
    V::of_fields(of.iter().map(|(boss, of_boss)| (boss.to_string(), stored(of_boss))))
}

/// Reads all ranks of a player. Anything odd is left out alone, and named in the log.
///
/// # Errors
/// When they are no document.
pub fn readable<V: Stored>(ranks: &V) -> Result<RaidRanks> {
    let difficulties = |raid: &V| Reader::Lenient.entries(raid, "difficulty", |of| Reader::Lenient.metrics(of));
    let mut ranks: RaidRanks = Reader::Lenient.entries(ranks, "raid", difficulties)?;
    ranks.retain(|_, difficulties| !difficulties.is_empty());
    Ok(ranks)
}

/// Reads one raid and difficulty, to write it back: nothing odd may be in it.
///
/// # Errors
/// When anything is not understood.
pub fn strict<V: Stored>(difficulty: &V) -> Result<DifficultyRanks> {
    Reader::Strict.metrics(difficulty)
}

/// What is known of a player who has these ranks; absent ones can be written into.
///
/// # Errors
/// When nothing can be written into them.
pub fn known<V: Stored>(class_id: Option<u8>, ranks: Option<&V>) -> Result<Known> {
    let Some(ranks) = ranks else { return Ok(Known { class_id, ..Known::default() }) };
    let odd = odd_pairs(ranks).context("ranks")?;
    Ok(Known { class_id, odd, ..Known::of(0, &readable(ranks)?) })
}

/// Raids and difficulties that are not understood as a whole. Neither a null nor a list can be written into: an error.
fn odd_pairs<V: Stored>(ranks: &V) -> Result<BTreeMap<(RaidId, Difficulty), String>> {
    let mut odd = BTreeMap::new();
    for (raid, difficulties) in ranks.fields()? {
        // Fields of other names are somebody else's.
        let Ok(number) = raid.parse() else { continue };
        for (difficulty, metrics) in difficulties.fields().with_context(|| format!("raid {raid}"))? {
            let Ok(of) = difficulty.parse() else { continue };
            if let Err(error) = strict(metrics) {
                odd.insert((number, of), format!("ranks: raid {raid}: difficulty {difficulty}: {error:#}"));
            }
        }
    }
    Ok(odd)
}

/// How ranks are read, which anyone may have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Anything odd is an error: what is not understood is not written to.
    Strict,
    /// Anything odd is left out alone, by name.
    Lenient,
}

impl Reader {
    fn entries<K: Ord + FromStr, T, V: Stored>(
        self,
        value: &V,
        what: &str,
        read: impl Fn(&V) -> Result<T>,
    ) -> Result<BTreeMap<K, T>> {
        let mut entries = BTreeMap::new();
        for (key, value) in value.fields().with_context(|| what.to_owned())? {
            let number = key.parse().map_err(|_| anyhow!("{what} {key:?} is no number"));
            let entry = number.and_then(|number| Ok((number, read(value).with_context(|| format!("{what} {key}"))?)));
            if let Some((key, value)) = self.kept(entry.map(Some))? {
                entries.insert(key, value);
            }
        }
        Ok(entries)
    }

    /// The value, or nothing of it where it is left out.
    fn kept<T: Default>(self, read: Result<T>) -> Result<T> {
        match read {
            Err(error) if self == Self::Lenient => {
                tracing::warn!(error = format!("{error:#}"), "a part of a stored player is left out");
                Ok(T::default())
            }
            read => read,
        }
    }

    fn metrics<V: Stored>(self, value: &V) -> Result<DifficultyRanks> {
        self.entries(value, "metric", |metric| self.metric(metric))
    }

    fn metric<V: Stored>(self, stored: &V) -> Result<MetricRanks> {
        // Without it they are as old as can be.
        let ranked_at = self.kept(stored.required("rankedAt").and_then(V::time).context("rankedAt"))?;
        let ends = |ends: &V| ends.items()?.iter().map(V::time).collect();
        let ends = stored.present("ends").map(|stored| self.entries(stored, "ends", ends)).transpose();
        let specs = stored
            .present("specs")
            .map(|stored| self.entries(stored, "specs", |spec| Ok(spec.text()?.to_owned())))
            .transpose();
        Ok(MetricRanks {
            partition: self.kept(stored.required("partition").and_then(V::whole).context("partition"))?,
            ranked_at,
            read_at: match stored.field("readAt") {
                Some(time) if time.is_null() => None,
                Some(time) => self.kept(time.time().context("readAt").map(Some))?,
                // A document without the field is older than it.
                None => Some(ranked_at),
            },
            spec: stored.field("spec").and_then(|spec| spec.text().ok()).map(str::to_owned),
            encounters: self.entries(stored.required("encounters")?, "encounter", encounter)?,
            ends: self.kept(ends)?.unwrap_or_default(),
            specs: self.kept(specs)?.unwrap_or_default(),
        })
    }
}

/// What is out of range is brought into it: whatever numbers somebody wrote there cost no player.
fn encounter<V: Stored>(rank: &V) -> Result<EncounterRank> {
    let number = |name: &str| rank.field(name).and_then(V::number);
    let numbers = number("rankPercent").zip(number("kills"));
    let (percent, kills) = numbers.with_context(|| format!("{} is no rank", rank.excerpt()))?;
    Ok(EncounterRank::clamped(percent, kills))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_odd_in_stored_ranks_costs_nothing_beside_it() {
        let part = || {
            let encounters = json!({"1": {"rankPercent": 91.3, "kills": 3}});
            json!({"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "encounters": encounters})
        };
        let with = |name: &str, value: Value| {
            let mut part = part();
            part[name] = value;
            part
        };
        let encounters = json!({
            "1": {"rankPercent": 91.3, "kills": 3},
            "2": {"rankPercent": "odd", "kills": 3},
            "3": null,
            "x": {"rankPercent": 5, "kills": 3},
        });
        let ranks = json!({
            "31": {"3": null, "4": {"dps": part(), "hps": null}, "x": {}},
            "32": [],
            "33": {"1": {"dps": with("rankedAt", json!("soon"))}, "3": {"dps": with("encounters", json!([]))}},
            "34": {
                "1": {"dps": with("partition", Value::Null), "hps": with("readAt", json!("then"))},
                "3": {"dps": with("ends", json!(7)), "hps": with("specs", json!({"1": 7}))},
                "4": {"dps": with("encounters", encounters)},
            },
            "abc": {},
        });
        let read = readable(&ranks).unwrap();
        let mut kept = Vec::new();
        for (raid, difficulties) in &read {
            for (difficulty, metrics) in difficulties {
                for (metric, ranks) in metrics {
                    assert_eq!(ranks.encounters, BTreeMap::from([(1, EncounterRank { rank_percent: 91.3, kills: 3 })]));
                    kept.push((*raid, *difficulty, metric.as_str()));
                }
            }
        }
        let expected = [
            (31, 4, "dps"),
            (33, 1, "dps"),
            (34, 1, "dps"),
            (34, 1, "hps"),
            (34, 3, "dps"),
            (34, 3, "hps"),
            (34, 4, "dps"),
        ];
        assert_eq!(kept, expected);
        assert!(readable(&json!([])).is_err());
    }

    fn read(metric: &Value) -> MetricRanks {
        strict(&json!({ "dps": metric })).unwrap().remove("dps").unwrap()
    }

    #[test]
    fn numbers_out_of_range_are_brought_into_it() {
        let read = |rank: Value| {
            let metric = json!({"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "encounters": {"7": rank}});
            read(&metric).encounters[&7]
        };
        let rank = |rank_percent, kills| EncounterRank { rank_percent, kills };
        assert_eq!(read(json!({"rankPercent": 91.3, "kills": 1_099_511_627_776_u64})), rank(91.3, u32::MAX));
        assert_eq!(read(json!({"rankPercent": 250, "kills": -3})), rank(100.0, 0));
        assert_eq!(read(json!({"rankPercent": -1, "kills": 2.9})), rank(0.0, 2));
    }

    #[test]
    fn the_last_full_reading_is_told_from_none_and_from_an_old_document() {
        let old = read(&json!({"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "encounters": {}}));
        assert_eq!(old.read_at, Some(old.ranked_at));
        let at = |read_at: Value| {
            let spec = "Frost";
            json!({"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "readAt": read_at, "spec": spec, "encounters": {}})
        };
        let from_reports = read(&at(Value::Null));
        assert_eq!(from_reports.read_at, None);
        let full = read(&at(json!("2026-08-01T00:00:00.25Z")));
        assert!(full.read_at.is_some_and(|at| at < full.ranked_at) && full.spec.as_deref() == Some("Frost"));
        for ranks in [old, from_reports, full] {
            let of = BTreeMap::from([("dps".to_owned(), ranks)]);
            assert_eq!(strict(&of_difficulty::<Value>(&of)).unwrap(), of);
        }
        assert_eq!(of_metric::<Value>(&MetricRanks::default())["readAt"], Value::Null);
    }

    #[test]
    fn what_is_odd_is_known_by_its_raid_and_difficulty() {
        let part =
            json!({"dps": {"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "readAt": null, "encounters": {}}});
        let ranks = json!({"31": {"3": 7, "4": part, "x": 7}, "32": {"5": {"dps": []}}, "x": null});
        let known = known(Some(1), Some(&ranks)).unwrap();
        assert_eq!(known.odd.keys().collect::<Vec<_>>(), [&(31, 3), &(32, 5)]);
        assert_eq!(known.odd[&(31, 3)], "ranks: raid 31: difficulty 3: metric: 7 is no document");
        assert_eq!(known.partitions.keys().collect::<Vec<_>>(), [&(31, 4)]);
        for unwritable in [json!(null), json!([]), json!({"31": null})] {
            assert!(super::known(Some(1), Some(&unwritable)).is_err(), "{unwritable}");
        }
        assert_eq!(super::known::<Value>(None, None).unwrap(), Known::default());
    }
}
