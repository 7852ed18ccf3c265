//! Tokens given out: opaque, each for one client, good until they run out or are revoked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};

use crate::rng::hash;

/// How long tokens live by default: 360 days, as WCL's do.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(31_104_000);

/// Tokens given out, with the client they belong to.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    given: Mutex<HashMap<String, (usize, DateTime<Utc>)>>,
    count: AtomicU64,
}

impl Tokens {
    pub(crate) fn give(&self, client: usize, expires_at: DateTime<Utc>) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let token = format!("sim.{client}.{:016x}", hash(&[number, client as u64]));
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.insert(token.clone(), (client, expires_at));
        token
    }

    /// The client a token belongs to, as long as it is good.
    pub(crate) fn client(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Option<usize> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(token).filter(|(_, expires_at)| now < *expires_at).map(|(client, _)| *client)
    }

    /// Forgets every token.
    pub(crate) fn revoke_all(&self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
