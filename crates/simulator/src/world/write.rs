//! Writing a world back as a world file, so that a generated one can be kept, inspected and served again.

use std::io::{self, Write};

use serde_json::json;

use super::World;

impl World {
    /// Writes the world as JSON lines in the form that [`World::load`] reads: header, then players in id order.
    ///
    /// # Errors
    /// Whatever the writer fails with.
    pub fn write_jsonl(&self, out: &mut impl Write) -> io::Result<()> {
        let zones: Vec<_> = self
            .raids
            .iter()
            .map(|raid| {
                let encounters: Vec<_> =
                    raid.encounters.iter().map(|boss| json!({"id": boss.id, "name": boss.name})).collect();
                let mut zone = json!({"id": raid.id, "name": raid.name, "partition": raid.partition});
                if raid.frozen {
                    zone["frozen"] = json!(true);
                }
                zone["encounters"] = json!(encounters);
                zone
            })
            .collect();
        writeln!(out, "{}", json!({ "zones": zones }))?;
        for player in self.players() {
            let realm = player.realm();
            let ranks: Vec<_> = player
                .ranks()
                .map(|rank| {
                    json!([rank.raid, rank.difficulty, rank.encounter, rank.metric.name(), rank.rank, rank.kills])
                })
                .collect();
            let mut line = json!({
                "id": player.id(),
                "name": player.name(),
                "region": realm.region.compact_name(),
                "server": {
                    "id": realm.id,
                    "name": realm.name,
                    "normalizedName": realm.normalized_name,
                    "slug": realm.slug,
                },
                "classId": player.class_id(),
                "ranks": ranks,
            });
            if player.is_hidden() {
                line["hidden"] = json!(true);
            }
            writeln!(out, "{line}")?;
        }
        out.flush()
    }
}
