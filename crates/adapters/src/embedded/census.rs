//! What the embedded store counts for the status.

use futures::{StreamExt, pin_mut};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Discoveries, Players, ReportBacklog, Result};
use parsebook_core::status::census::Counter;
use parsebook_core::status::{Census, StatusSource};

use super::EmbeddedStore;

impl EmbeddedStore {
    fn regions(&self) -> Result<Vec<String>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT DISTINCT region FROM players ORDER BY region")?;
        let regions = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(regions)
    }
}

impl StatusSource for EmbeddedStore {
    async fn census(&self, now: Timestamp) -> Result<Census> {
        let mut counter = Counter::default();
        for region in self.regions()? {
            let players = self.players(&region);
            pin_mut!(players);
            while let Some(player) = players.next().await {
                if let Ok(player) = player? {
                    counter.add(&player, now);
                }
            }
        }
        let (regions, bosses) = counter.finish();
        Ok(Census {
            discovered: self.discovered_count().await?,
            queued: Some(self.queue_length()?),
            dead_letters: Some(self.dead_letter_count()?),
            regions,
            bosses,
            reports: self.report_lag(now).await?.into(),
        })
    }
}
