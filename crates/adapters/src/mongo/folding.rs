//! Folding kills into a player by one pipeline update, so that invocations at the same time lose nothing of each other.
//! It does what [`parsebook_core::report_ranks::fold`] does; the stores' suite holds both to the same results.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use mongodb::bson::{Bson, DateTime, Document, RawArrayBuf, RawDocumentBuf, doc, rawdoc};
use parsebook_core::player::{Folding, Identity, RankedKill};
use parsebook_core::ports::Result;
use parsebook_core::report_ranks::{REMEMBERED, SAME_KILL};
use parsebook_core::{EncounterId, PlayerId, Timestamp};

use super::date;

/// Stands before every real partition.
const NO_PARTITION: i32 = i32::MIN;

/// Who a player is, as fields of its document.
pub fn of_identity(identity: &Identity) -> Document {
    doc! {
        "name": &identity.name,
        "region": &identity.region,
        "server": &identity.server,
        "normalizedServer": &identity.normalized_server,
        "classId": i32::from(identity.class_id),
    }
}

/// Makes the updates of many players. Whoever was in the same kills gets the same stages, which are made once: what differs
/// are constants. These are values, also a text from outside that begins with `$`.
#[derive(Debug, Default)]
pub struct Foldings(HashMap<Shape, RawArrayBuf>);

/// What decides on the stages of an update.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Shape {
    parts: BTreeMap<String, Part>,
    folding: Folding,
}

/// What is told of one raid, difficulty and metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Part {
    newest: i32,
    bosses: Vec<Boss>,
}

/// What is told of one boss in the newest partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Boss {
    id: EncounterId,
    ends: BTreeSet<Timestamp>,
    /// When the first kill with a rank ended.
    first_ranked: Option<Timestamp>,
    /// The constants `percent` and `spec` of this number hold its best rank, where it has one.
    best: Option<usize>,
}

impl Foldings {
    /// The update statement of one player.
    pub fn statement(
        &mut self,
        id: PlayerId,
        identity: &Identity,
        seen_at: Timestamp,
        kills: &[RankedKill],
        folding: Folding,
    ) -> Result<RawDocumentBuf> {
        let mut constants = of_identity(identity);
        constants.insert("seenAt", date(seen_at));
        let shape = Shape { parts: parts(kills, folding.now - REMEMBERED, &mut constants), folding };
        let stages = match self.0.entry(shape) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => {
                let stages = place.key().stages();
                let stages = stages.iter().map(RawDocumentBuf::try_from).collect::<std::result::Result<_, _>>()?;
                place.insert(stages)
            }
        };
        let (player, constants) =
            (RawDocumentBuf::try_from(&doc! { "_id": id })?, RawDocumentBuf::try_from(&constants)?);
        Ok(rawdoc! { "q": player, "u": stages.clone(), "c": constants, "upsert": true })
    }
}

/// What the kills tell, by path; their best ranks are added to the constants.
fn parts(kills: &[RankedKill], horizon: Timestamp, constants: &mut Document) -> BTreeMap<String, Part> {
    let mut by_part: BTreeMap<String, Vec<&RankedKill>> = BTreeMap::new();
    for kill in kills {
        let path = format!("ranks.{}.{}.{}", kill.raid, kill.difficulty, kill.metric);
        by_part.entry(path).or_default().push(kill);
    }
    let mut ranked = 0;
    let mut part = |kills: Vec<&RankedKill>| {
        let newest = kills.iter().map(|kill| kill.partition).max().unwrap_or_default();
        let mut by_boss: BTreeMap<EncounterId, Vec<&RankedKill>> = BTreeMap::new();
        for kill in kills.into_iter().filter(|kill| kill.partition == newest) {
            by_boss.entry(kill.encounter).or_default().push(kill);
        }
        let boss = |(id, kills): (EncounterId, Vec<&RankedKill>)| {
            let ends = kills.iter().map(|kill| kill.ended_at).filter(|end| *end >= horizon).collect();
            let told = kills
                .iter()
                .filter_map(|kill| Some((kill.percent?.clamp(0.0, 100.0), kill.spec.as_deref().unwrap_or_default())));
            let best = told.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1))).map(|(percent, spec)| {
                constants.insert(format!("percent{ranked}"), percent);
                constants.insert(format!("spec{ranked}"), spec);
                ranked += 1;
                ranked - 1
            });
            let ranked = kills.iter().filter(|kill| kill.percent.is_some());
            let first_ranked = ranked.map(|kill| kill.ended_at).min();
            Boss { id, ends, first_ranked, best }
        };
        Part { newest, bosses: by_boss.into_iter().map(boss).collect() }
    };
    by_part.into_iter().map(|(path, kills)| (path, part(kills))).collect()
}

impl Shape {
    fn stages(&self) -> [Document; 3] {
        let is_newer = doc! { "$lte": [{ "$ifNull": ["$seenAt", DateTime::MIN] }, "$$seenAt"] };
        let if_newer = |field: &str| {
            let told = doc! { "$cond": [is_newer.clone(), format!("$${field}"), format!("${field}")] };
            (field.to_owned(), Bson::from(told))
        };
        let identity = ["name", "region", "server", "normalizedServer", "classId", "seenAt"];
        let mut begun: Document = identity.into_iter().map(if_newer).collect();
        let mut folded = Document::new();
        let mut finished = Document::new();
        for (path, part) in &self.parts {
            begun.insert(path, begin(path, part.newest, self.folding.ranked_at));
            for boss in &part.bosses {
                fold_boss(&mut folded, path, part.newest, boss, &self.folding);
            }
            finished.insert(format!("{path}.spec"), spec(path));
        }
        [doc! { "$set": begun }, doc! { "$set": folded }, doc! { "$set": finished }]
    }
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
fn fold_boss(set: &mut Document, path: &str, newest: i32, boss: &Boss, folding: &Folding) {
    let ends: Vec<Bson> = boss.ends.iter().map(|end| date(*end).into()).collect();
    let is_this = doc! { "$eq": [format!("${path}.partition"), newest] };
    let field = |name: &str| format!("{path}.{name}.{}", boss.id);
    let if_this = |changed: Bson, name: &str| doc! { "$cond": [is_this.clone(), changed, format!("${}", field(name))] };

    let horizon = folding.now - REMEMBERED;
    let read_at = doc! { "$ifNull": [format!("${path}.readAt"), DateTime::MIN] };
    let is_after = doc! { "$gt": ["$$this", "$$readAt"] };
    let found_at = folding.found_at.map_or(DateTime::MAX, date);
    let is_remembered = doc! { "$or": [is_after.clone(), { "$lte": [found_at, "$$readAt"] }] };
    let told = doc! { "$filter": { "input": ends, "cond": is_remembered } };
    let stored_ends = doc! { "$ifNull": [format!("${}", field("ends")), []] };
    let all_ends = doc! { "$let": {
        "vars": { "readAt": read_at.clone() },
        "in": { "$sortArray": { "input": { "$setUnion": [stored_ends.clone(), told] }, "sortBy": 1 } },
    } };
    let remembered = doc! { "$filter": { "input": "$$all", "cond": { "$gte": ["$$this", date(horizon)] } } };
    let remembered = doc! { "$let": { "vars": { "all": all_ends.clone() }, "in": remembered } };
    let remembered = doc! { "$let": {
        "vars": { "ends": remembered },
        "in": { "$cond": [{ "$eq": ["$$ends", []] }, "$$REMOVE", "$$ends"] },
    } };
    set.insert(field("ends"), if_this(remembered.into(), "ends"));

    let stored_kills = doc! { "$ifNull": [format!("${}.kills", field("encounters")), 0] };
    let after = |ends: &str| doc! { "$filter": { "input": ends, "cond": is_after.clone() } };
    let is_old = boss.first_ranked.is_some_and(|end| end < horizon);
    let is_ranked_before =
        boss.first_ranked.map_or(doc! { "$literal": false }, |end| doc! { "$lte": [date(end), "$$readAt"] });
    // A kill before the reading that has no rank in it is one kill all the same.
    let is_one_before =
        doc! { "$or": [is_old, is_ranked_before, { "$lt": [{ "$size": "$$new" }, { "$size": "$$all" }] }] };
    let least = doc! { "$cond": [is_one_before, 1, 0] };
    let base = doc! { "$max": [least, { "$subtract": [stored_kills, distinct("$$stored")] }] };
    let total = doc! { "$max": [1, { "$add": [base, distinct("$$new")] }] };
    let total = doc! { "$let": { "vars": { "stored": after("$$stored"), "new": after("$$all") }, "in": total } };
    let total = doc! { "$let": { "vars": { "readAt": read_at, "stored": stored_ends, "all": all_ends }, "in": total } };
    let stored_percent = format!("${}.rankPercent", field("encounters"));
    let stored_spec = doc! { "$ifNull": [format!("${}", field("specs")), ""] };
    let has_stored = doc! { "$gt": [&stored_percent, null] };
    match boss.best {
        Some(number) => {
            let (percent, spec) = (format!("$$percent{number}"), format!("$$spec{number}"));
            let is_higher = doc! { "$or": [
                { "$not": has_stored },
                { "$gt": [&percent, &stored_percent] },
                { "$and": [{ "$eq": [&percent, &stored_percent] }, { "$gt": [&spec, stored_spec.clone()] }] },
            ] };
            let rank = doc! {
                "rankPercent": { "$cond": [is_higher.clone(), percent, &stored_percent] },
                "kills": total,
            };
            set.insert(field("encounters"), if_this(rank.into(), "encounters"));
            let spec = doc! { "$cond": [is_higher, spec, stored_spec] };
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
