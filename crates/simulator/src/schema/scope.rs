//! What the resolvers of one request share, and what the request came to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_graphql::Context;

use crate::points::Reading;
use crate::state::Shared;

/// What one request's resolvers share.
pub(crate) struct Scope {
    pub shared: Arc<Shared>,
    /// The client's account before this query.
    pub reading: Reading,
    pub tally: Arc<Tally>,
}

impl Scope {
    /// Books points for this query.
    pub(super) fn spend(&self, points: u32) {
        self.tally.points.fetch_add(points, Ordering::Relaxed);
    }
}

/// What one request came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub points: AtomicU32,
    /// A character without a class was asked for rankings: the sentence goes into the body.
    pub poisoned: AtomicBool,
    pub characters: AtomicU32,
    pub zone_rankings: AtomicU32,
    pub reports: AtomicU32,
}

/// The scope of the request being answered.
pub(super) fn scope<'c>(ctx: &Context<'c>) -> &'c Scope {
    ctx.data_unchecked::<Scope>()
}
