//! Ports that move a progress bar as they are used.

use futures::{Stream, StreamExt};
use parsebook_core::player::{Player, PlayerUpdate};
use parsebook_core::ports::{
    ApiError, Board, KnownPlayers, Malformed, MessageQueue, Players, RankingSite, ReportLists, Result, SourceError,
    SourcePage, Zone, Zones,
};
use parsebook_core::report::{DetailOutcome, ListPage, Window};
use parsebook_core::scrap::Message;
use parsebook_core::{PlayerId, RaidId};

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

impl<T: ReportLists> ReportLists for Watched<'_, T> {
    async fn list(&self, window: &Window, page: u32) -> std::result::Result<ListPage, ApiError> {
        let read = self.inner.list(window, page).await;
        self.add(usize::from(read.is_ok()));
        read
    }

    async fn details(&self, codes: &[String]) -> std::result::Result<Vec<(String, DetailOutcome)>, ApiError> {
        self.inner.details(codes).await
    }
}

impl<T: Zones> Zones for Watched<'_, T> {
    async fn zone(&self, raid: RaidId) -> std::result::Result<Option<Zone>, ApiError> {
        self.inner.zone(raid).await
    }
}

impl<T: MessageQueue> MessageQueue for Watched<'_, T> {
    async fn length(&self) -> Result<u64> {
        self.inner.length().await
    }

    async fn send(&self, messages: &[Message]) -> Result<Vec<std::result::Result<(), String>>> {
        let sent = self.inner.send(messages).await;
        self.add(messages.len());
        sent
    }
}

impl<T: Players> Players for Watched<'_, T> {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        self.inner.save(updates).await
    }

    async fn known(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.inner.known(ids).await
    }

    async fn known_without_ends(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.inner.known_without_ends(ids).await
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        self.inner.players(region).inspect(|_| self.add(1))
    }
}
