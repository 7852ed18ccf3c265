//! `raids`. Reference data can always be asked from the API again: what cannot be read counts as absent.

use parsebook_core::RaidId;
use parsebook_core::player::Raid;
use parsebook_core::ports::{Raids, Result};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::EmbeddedStore;
use crate::stored::{self, of_encounters};

fn read(row: &Row<'_>) -> rusqlite::Result<(u32, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// The raid, or a line in the log.
fn readable((id, name, encounters): (u32, String, String)) -> Option<Raid> {
    let read = || stored::encounters(&serde_json::from_str::<Value>(&encounters)?);
    match read() {
        Ok(encounters) => Some(Raid { id, name, encounters }),
        Err(error) => {
            tracing::error!(document = %format!("raids {id}"), reason = %format!("{error:#}"), "row skipped");
            None
        }
    }
}

impl Raids for EmbeddedStore {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        let sql = "SELECT id, name, encounters FROM raids WHERE id = ?1";
        Ok(self.lock().query_row(sql, [id], read).optional()?.and_then(readable))
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT id, name, encounters FROM raids ORDER BY id")?;
        let rows = statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        self.lock().execute(
            "INSERT INTO raids (id, name, encounters) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET name = ?2, encounters = ?3",
            params![raid.id, raid.name, of_encounters::<Value>(&raid.encounters).to_string()],
        )?;
        Ok(())
    }
}
