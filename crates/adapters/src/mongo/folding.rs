//! Folding kills into a player by one pipeline update, so that invocations at the same time lose nothing of each other.
//! It does what [`parsebook_core::report_ranks::fold`] does; the stores' suite holds both to the same results.

use std::collections::{BTreeMap, BTreeSet};

use mongodb::bson::{Bson, DateTime, Document, doc};
use parsebook_core::player::Identity;
use parsebook_core::report_ranks::{REMEMBERED, RankedKill, SAME_KILL};
use parsebook_core::{EncounterId, Timestamp};

/// Stands before every real partition.
const NO_PARTITION: i32 = i32::MIN;

/// The stages of the update. Texts from outside are literals: one that begins with `$` names no field.
pub fn pipeline(
    identity: &Identity,
    seen_at: Timestamp,
    kills: &[RankedKill],
    now: Timestamp,
    ranked_at: Timestamp,
) -> Vec<Document> {
    let mut by_part: BTreeMap<String, Vec<&RankedKill>> = BTreeMap::new();
    for kill in kills {
        let path = format!("ranks.{}.{}.{}", kill.raid, kill.difficulty, kill.metric);
        by_part.entry(path).or_default().push(kill);
    }
    let identity = [
        ("name", Bson::from(literal(&identity.name))),
        ("region", literal(&identity.region).into()),
        ("server", literal(&identity.server).into()),
        ("normalizedServer", literal(&identity.normalized_server).into()),
        ("classId", i32::from(identity.class_id).into()),
        ("seenAt", date(seen_at).into()),
    ];
    let is_newer = doc! { "$lte": [{ "$ifNull": ["$seenAt", DateTime::MIN] }, date(seen_at)] };
    let if_newer = |(field, told): (&str, Bson)| {
        (field.to_owned(), Bson::from(doc! { "$cond": [is_newer.clone(), told, format!("${field}")] }))
    };
    let mut begun: Document = identity.into_iter().map(if_newer).collect();
    let mut folded = Document::new();
    let mut finished = Document::new();
    for (path, kills) in by_part {
        let newest = kills.iter().map(|kill| kill.partition).max().unwrap_or_default();
        begun.insert(path.clone(), begin(&path, newest, ranked_at));
        let mut by_boss: BTreeMap<EncounterId, Vec<&RankedKill>> = BTreeMap::new();
        for kill in kills.into_iter().filter(|kill| kill.partition == newest) {
            by_boss.entry(kill.encounter).or_default().push(kill);
        }
        for (boss, kills) in by_boss {
            fold_boss(&mut folded, &path, newest, boss, &kills, now);
        }
        finished.insert(format!("{path}.spec"), spec(&path));
    }
    vec![doc! { "$set": begun }, doc! { "$set": folded }, doc! { "$set": finished }]
}

fn literal(text: &str) -> Document {
    doc! { "$literal": text }
}

fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.timestamp_millis())
}

/// The part as it is stored, unless it is of an older partition or none.
fn begin(path: &str, newest: i32, ranked_at: Timestamp) -> Document {
    let ranked_at = date(ranked_at);
    // A document without the field is older than it.
    let read_at = doc! { "$cond": [
        { "$eq": [{ "$type": format!("${path}.readAt") }, "missing"] },
        format!("${path}.rankedAt"),
        format!("${path}.readAt"),
    ] };
    let dated = doc! { "rankedAt": { "$max": [format!("${path}.rankedAt"), ranked_at] }, "readAt": read_at };
    let kept = doc! { "$mergeObjects": [format!("${path}"), dated] };
    let fresh = doc! { "partition": newest, "rankedAt": ranked_at, "readAt": null, "encounters": {} };
    let is_kept = doc! { "$gte": [{ "$ifNull": [format!("${path}.partition"), NO_PARTITION] }, newest] };
    doc! { "$cond": [is_kept, kept, fresh] }
}

/// One boss of a part whose partition is `newest`, or newer: then nothing of it counts.
fn fold_boss(set: &mut Document, path: &str, newest: i32, boss: EncounterId, kills: &[&RankedKill], now: Timestamp) {
    let horizon = now - REMEMBERED;
    let ends: BTreeSet<Timestamp> = kills.iter().map(|kill| kill.ended_at).filter(|end| *end >= horizon).collect();
    let ends: Vec<Bson> = ends.into_iter().map(|end| date(end).into()).collect();
    let told = kills
        .iter()
        .filter_map(|kill| Some((kill.percent?.clamp(0.0, 100.0), kill.spec.as_deref().unwrap_or_default())));
    let best = told.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));

    let is_this = doc! { "$eq": [format!("${path}.partition"), newest] };
    let field = |name: &str| format!("{path}.{name}.{boss}");
    let if_this = |changed: Bson, name: &str| doc! { "$cond": [is_this.clone(), changed, format!("${}", field(name))] };

    let known_until = doc! { "$ifNull": [format!("${path}.readAt"), DateTime::MIN] };
    let counted = doc! { "$filter": { "input": ends, "cond": { "$gt": ["$$this", "$$knownUntil"] } } };
    let stored_ends = doc! { "$ifNull": [format!("${}", field("ends")), []] };
    let all_ends = doc! { "$let": {
        "vars": { "knownUntil": known_until },
        "in": { "$sortArray": { "input": { "$setUnion": [stored_ends.clone(), counted] }, "sortBy": 1 } },
    } };
    let remembered = doc! { "$filter": { "input": "$$all", "cond": { "$gte": ["$$this", date(horizon)] } } };
    let remembered = doc! { "$let": { "vars": { "all": all_ends.clone() }, "in": remembered } };
    let remembered = doc! { "$let": {
        "vars": { "ends": remembered },
        "in": { "$cond": [{ "$eq": ["$$ends", []] }, "$$REMOVE", "$$ends"] },
    } };
    set.insert(field("ends"), if_this(remembered.into(), "ends"));

    let stored_kills = doc! { "$ifNull": [format!("${}.kills", field("encounters")), 0] };
    let base = doc! { "$max": [0, { "$subtract": [stored_kills, distinct("$$stored")] }] };
    let total = doc! { "$let": {
        "vars": { "stored": stored_ends, "all": all_ends },
        "in": { "$max": [1, { "$add": [base, distinct("$$all")] }] },
    } };
    let stored_percent = format!("${}.rankPercent", field("encounters"));
    let stored_spec = doc! { "$ifNull": [format!("${}", field("specs")), ""] };
    let has_stored = doc! { "$gt": [&stored_percent, null] };
    match best {
        Some((percent, spec)) => {
            let is_higher = doc! { "$or": [
                { "$not": has_stored },
                { "$gt": [percent, &stored_percent] },
                { "$and": [{ "$eq": [percent, &stored_percent] }, { "$gt": [literal(spec), stored_spec.clone()] }] },
            ] };
            let rank = doc! {
                "rankPercent": { "$cond": [is_higher.clone(), percent, &stored_percent] },
                "kills": total,
            };
            set.insert(field("encounters"), if_this(rank.into(), "encounters"));
            let spec = doc! { "$cond": [is_higher, literal(spec), stored_spec] };
            set.insert(field("specs"), if_this(spec.into(), "specs"));
        }
        None => {
            let rank = doc! { "rankPercent": &stored_percent, "kills": total };
            let rank = doc! { "$cond": [has_stored.clone(), rank, "$$REMOVE"] };
            set.insert(field("encounters"), if_this(rank.into(), "encounters"));
            let spec = doc! { "$cond": [has_stored, stored_spec, "$$REMOVE"] };
            set.insert(field("specs"), if_this(spec.into(), "specs"));
        }
    }
}

/// How many kills the sorted ends in `variable` are of.
fn distinct(variable: &str) -> Document {
    let element = |index: Bson| doc! { "$arrayElemAt": [variable, index] };
    let gap = doc! { "$subtract": [element("$$i".into()), element(doc! { "$subtract": ["$$i", 1] }.into())] };
    let far = doc! { "$gt": [gap, SAME_KILL.num_milliseconds()] };
    let indexes = doc! { "$range": [1, { "$size": variable }] };
    let gaps = doc! { "$size": { "$filter": { "input": indexes, "as": "i", "cond": far } } };
    doc! { "$cond": [{ "$eq": [{ "$size": variable }, 0] }, 0, { "$add": [1, gaps] }] }
}

/// The spec of most bosses, of equals the first by name; as it is where no boss has one on record.
fn spec(path: &str) -> Document {
    let specs = doc! { "$map": {
        "input": { "$objectToArray": { "$ifNull": [format!("${path}.specs"), {}] } },
        "in": "$$this.v",
    } };
    let named = doc! { "$filter": { "input": "$$specs", "cond": { "$ne": ["$$this", ""] } } };
    let count =
        doc! { "$size": { "$filter": { "input": "$$specs", "as": "s", "cond": { "$eq": ["$$s", "$$this"] } } } };
    let better = doc! { "$cond": [
        { "$gt": [count.clone(), "$$value.count"] },
        { "spec": "$$this", "count": count },
        "$$value",
    ] };
    let most = doc! { "$reduce": {
        "input": { "$sortArray": { "input": { "$setUnion": [named, []] }, "sortBy": 1 } },
        "initialValue": { "spec": "$$REMOVE", "count": 0 },
        "in": better,
    } };
    doc! { "$let": { "vars": { "specs": specs }, "in": { "$cond": [
        { "$eq": ["$$specs", []] },
        format!("${path}.spec"),
        { "$let": { "vars": { "most": most }, "in": "$$most.spec" } },
    ] } } }
}
