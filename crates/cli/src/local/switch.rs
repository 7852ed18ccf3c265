//! The consumer's switch on one machine: what a function's concurrency limit, its queue mapping and a one-time
//! schedule are on AWS. It lives as long as the process: a process that dies while paused starts awake.

use std::sync::{Mutex, PoisonError};

use parsebook_core::Timestamp;
use parsebook_core::ports::{ConsumerSwitch, Result};

/// The switch.
#[derive(Debug)]
pub struct LocalSwitch(Mutex<State>);

/// What the switch shows.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Batches at a time.
    pub limit: u32,
    /// Whether the queue may call the consumer.
    pub is_enabled: bool,
    /// When the reviver is to be called.
    pub revive_at: Option<Timestamp>,
    /// Whether the API refused, rather than having no points left.
    pub is_refused: bool,
}

impl LocalSwitch {
    /// A switch that is on.
    pub fn new(limit: u32) -> Self {
        Self(Mutex::new(State { limit, is_enabled: true, revive_at: None, is_refused: false }))
    }

    /// What it shows now.
    pub fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why it is off, for the words of the pause.
    pub fn set_refused(&self, is_refused: bool) {
        self.change(|state| state.is_refused = is_refused);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ConsumerSwitch for LocalSwitch {
    async fn concurrency_limit(&self) -> Result<Option<u32>> {
        Ok(Some(self.state().limit))
    }

    async fn set_concurrency_limit(&self, limit: u32) -> Result<()> {
        self.change(|state| state.limit = limit);
        Ok(())
    }

    async fn schedule_revival(&self, at: Timestamp) -> Result<Timestamp> {
        self.change(|state| state.revive_at = Some(at));
        Ok(at)
    }

    async fn disable_mapping(&self) -> Result<()> {
        self.change(|state| state.is_enabled = false);
        Ok(())
    }

    async fn enable_mapping(&self) -> Result<()> {
        self.change(|state| state.is_enabled = true);
        Ok(())
    }
}
