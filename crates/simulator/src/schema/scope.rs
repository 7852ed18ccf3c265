//! What the resolvers of one request share, and what the request came to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use async_graphql::Context;
use chrono::{DateTime, Utc};

use crate::points::Reading;
use crate::state::Shared;

/// What one request's resolvers share.
pub(crate) struct Scope {
    pub shared: Arc<Shared>,
    /// When the query arrived.
    pub now: DateTime<Utc>,
    /// The client's account before this query.
    pub reading: Reading,
    pub tally: Arc<Tally>,
}

impl Scope {
    /// Books points for this query.
    pub(super) fn spend(&self, points: f64) {
        self.tally.hundredths.fetch_add((points * 100.0).round() as i64, Ordering::Relaxed);
    }
}

/// What one request came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Points, in hundredths.
    pub hundredths: AtomicI64,
    /// A character without a class was asked for rankings: the sentence goes into the body.
    pub poisoned: AtomicBool,
    pub characters: AtomicU32,
    pub zone_rankings: AtomicU32,
    pub reports: AtomicU32,
    /// `rankings` fields of reports.
    pub rankings: AtomicU32,
}

/// The scope of the request being answered.
pub(super) fn scope<'c>(ctx: &Context<'c>) -> &'c Scope {
    ctx.data_unchecked::<Scope>()
}
