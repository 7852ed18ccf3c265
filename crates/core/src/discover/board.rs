//! Reading a board: the ranking pages of the site.

use anyhow::{Context, anyhow};

use super::pages::{self, Ended, Readers, Stopped};
use super::run::{DiscoverStore, Run};
use crate::ports::{Board, Clock, RankingSite, ReportLists, SourceError, SourcePage, Zone, Zones};
use crate::rule::{PageRange, Progress, Target};
use crate::scrap::{Discovered, RaidsToScrap};

/// Every page of the target is to be read.
pub fn all_pages(progress: Progress) -> Progress {
    let whole = PageRange { next: progress.target.start_page, end: progress.target.end_page };
    Progress { remaining: vec![whole], ..progress }
}

impl<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock> Run<'_, S, A, W, C> {
    /// Reads what is left of the board.
    pub(super) async fn read_board(&self, target: &Target, progress: &mut Progress) -> Ended {
        let partition = match target.partition {
            Some(partition) => partition,
            None => match self.zone(target.raid).await {
                Ok(Zone { partition: Some(partition), .. }) => partition,
                Ok(zone) => {
                    let error = anyhow!("raid {} ({}) has no partitions", target.raid, zone.raid.name);
                    return Stopped::Source(SourceError::Failed(error)).into();
                }
                Err(error) => return Stopped::Source(error).into(),
            },
        };
        let board = Board { raid: target.raid, difficulty: target.difficulty, partition };
        let (unfailed, failed) = progress.left();
        let chunks = pages::split_into_chunks(&unfailed, self.config.pages.pages_per_thread);
        let raids_to_scrap = RaidsToScrap::one(target.raid, target.difficulty);
        let fetch = async |page| self.ports.site.ranking_page(&board, page).await;
        let store = async |page: u32, read: SourcePage| {
            let mut found = read.players;
            found.sort_unstable();
            found.dedup();
            let discovered: Vec<_> =
                found.into_iter().map(|id| Discovered { id, raids_to_scrap: raids_to_scrap.clone() }).collect();
            self.ports.store.merge(&discovered).await.context("writing to discovers")?;
            progress.skipped += u64::from(read.skipped);
            progress.count(page, discovered.len() as u64);
            self.save_progress(progress).await
        };
        let readers = Readers { config: &self.config.pages, clock: self.ports.clock, last_start: self.last_start };
        readers.read(chunks, failed, fetch, store).await
    }
}
