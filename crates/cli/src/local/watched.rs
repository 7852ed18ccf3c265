//! Ports that move a progress bar as they are used.

use futures::{Stream, StreamExt};
use parsebook_core::RaidId;
use parsebook_core::player::{Player, PlayerUpdate, Raid};
use parsebook_core::ports::{
    ApiError, Board, Malformed, PlayerQueue, Players, Raids, RankingSite, Report, Reports, ReportsWindow, Result,
    SourceError, SourcePage, Zone, Zones,
};
use parsebook_core::scrap::Discovered;

use crate::progress::Progress;

/// A port that counts what passes through it.
#[derive(Debug)]
pub struct Watched<'a, T> {
    pub inner: &'a T,
    pub progress: Option<&'a Progress>,
}

impl<T> Watched<'_, T> {
    fn add(&self, count: usize) {
        if let Some(progress) = self.progress {
            progress.add(count as u64);
        }
    }
}

impl<T: RankingSite> RankingSite for Watched<'_, T> {
    async fn ranking_page(&self, board: &Board, page: u32) -> std::result::Result<SourcePage, SourceError> {
        let read = self.inner.ranking_page(board, page).await;
        self.add(usize::from(read.is_ok()));
        read
    }
}

impl<T: Reports> Reports for Watched<'_, T> {
    async fn reports_page(
        &self,
        window: &ReportsWindow,
        page: u32,
    ) -> std::result::Result<(Vec<Report>, bool), ApiError> {
        let read = self.inner.reports_page(window, page).await;
        self.add(usize::from(read.is_ok()));
        read
    }
}

impl<T: Zones> Zones for Watched<'_, T> {
    async fn zone(&self, raid: RaidId) -> std::result::Result<Option<Zone>, ApiError> {
        self.inner.zone(raid).await
    }
}

impl<T: PlayerQueue> PlayerQueue for Watched<'_, T> {
    async fn send(&self, messages: &[Discovered]) -> Result<Vec<std::result::Result<(), String>>> {
        let sent = self.inner.send(messages).await;
        self.add(messages.len());
        sent
    }
}

/// The store while a region is read from it.
#[derive(Debug)]
pub struct WatchedStore<'a, T> {
    pub inner: &'a T,
    pub progress: &'a Progress,
}

impl<T: Players> Players for WatchedStore<'_, T> {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        self.inner.save(updates).await
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        self.inner.players(region).inspect(|_| self.progress.add(1))
    }
}

impl<T: Raids> Raids for WatchedStore<'_, T> {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        self.inner.raid(id).await
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        self.inner.raids().await
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        self.inner.save_raid(raid).await
    }
}
