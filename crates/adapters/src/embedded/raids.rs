//! `raids`.

use anyhow::Context;
use parsebook_core::RaidId;
use parsebook_core::player::Raid;
use parsebook_core::ports::{Raids, Result};
use rusqlite::{OptionalExtension, Row, params};

use super::EmbeddedStore;

fn read(row: &Row<'_>) -> rusqlite::Result<(u32, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn check((id, name, encounters): (u32, String, String)) -> Result<Raid> {
    let encounters = serde_json::from_str(&encounters).with_context(|| format!("raids {id}: encounters"))?;
    Ok(Raid { id, name, encounters })
}

impl Raids for EmbeddedStore {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        let sql = "SELECT id, name, encounters FROM raids WHERE id = ?1";
        self.lock().query_row(sql, [id], read).optional()?.map(check).transpose()
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT id, name, encounters FROM raids ORDER BY id")?;
        let mut raids = Vec::new();
        for row in statement.query_map([], read)? {
            match check(row?) {
                Ok(raid) => raids.push(raid),
                Err(error) => tracing::error!(error = format!("{error:#}"), "raid set aside"),
            }
        }
        Ok(raids)
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        self.lock().execute(
            "INSERT INTO raids (id, name, encounters) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET name = ?2, encounters = ?3",
            params![raid.id, raid.name, serde_json::to_string(&raid.encounters)?],
        )?;
        Ok(())
    }
}
