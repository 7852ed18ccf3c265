//! `discovers`: a row for each raid and difficulty of a player, so that merging and removing need no reading.

use parsebook_core::PlayerId;
use parsebook_core::ports::{DiscoveredPage, Discoveries, Result};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use rusqlite::params;

use super::{EmbeddedStore, count, malformed};

impl Discoveries for EmbeddedStore {
    async fn merge(&self, found: &[Discovered]) -> Result<()> {
        self.transaction(|transaction| {
            let mut insert = transaction
                .prepare_cached("INSERT OR IGNORE INTO discovers (player, raid, difficulty) VALUES (?1, ?2, ?3)")?;
            for player in found {
                for (raid, difficulty) in player.raids_to_scrap.pairs() {
                    insert.execute(params![player.id, raid, difficulty])?;
                }
            }
            Ok(())
        })
    }

    async fn discovered_after(&self, after: Option<PlayerId>, limit: usize) -> Result<DiscoveredPage> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT player, raid, difficulty FROM discovers WHERE player IN
                 (SELECT DISTINCT player FROM discovers WHERE player > ?1 ORDER BY player LIMIT ?2)
             ORDER BY player",
        )?;
        let mut page = DiscoveredPage::default();
        let mut players = 0;
        let mut last = None;
        let mut rows = statement.query(params![after.map_or(-1, i64::from), i64::try_from(limit)?])?;
        while let Some(row) = rows.next()? {
            let (player, raid, difficulty): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if last != Some(player) {
                players += 1;
                last = Some(player);
            }
            let ids = (u32::try_from(player), u32::try_from(raid), u8::try_from(difficulty));
            let (Ok(id), Ok(raid), Ok(difficulty)) = ids else {
                let error = anyhow::anyhow!("raid {raid}, difficulty {difficulty} is out of range");
                page.malformed.push(malformed("discovers", &player, &error));
                continue;
            };
            if page.discovered.last().is_none_or(|discovered| discovered.id != id) {
                page.discovered.push(Discovered { id, raids_to_scrap: Default::default() });
            }
            if let Some(discovered) = page.discovered.last_mut() {
                discovered.raids_to_scrap.insert(raid, difficulty);
            }
        }
        page.next = last.filter(|_| players >= limit).and_then(|last| u32::try_from(last).ok());
        Ok(page)
    }

    async fn discovered(&self, players: &[PlayerId]) -> Result<Vec<Discovered>> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT raid, difficulty FROM discovers WHERE player = ?1")?;
        let mut found = Vec::with_capacity(players.len());
        for &id in players {
            let mut raids_to_scrap = RaidsToScrap::default();
            for pair in select.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (raid, difficulty) = pair?;
                raids_to_scrap.insert(raid, difficulty);
            }
            if !raids_to_scrap.is_empty() {
                found.push(Discovered { id, raids_to_scrap });
            }
        }
        Ok(found)
    }

    async fn remove(&self, sent: &[Discovered]) -> Result<()> {
        self.transaction(|transaction| {
            let mut delete = transaction
                .prepare_cached("DELETE FROM discovers WHERE player = ?1 AND raid = ?2 AND difficulty = ?3")?;
            for player in sent {
                for (raid, difficulty) in player.raids_to_scrap.pairs() {
                    delete.execute(params![player.id, raid, difficulty])?;
                }
            }
            Ok(())
        })
    }

    async fn discovered_count(&self) -> Result<u64> {
        count(&self.lock(), "SELECT count(DISTINCT player) FROM discovers", &[])
    }
}
