//! The GraphQL schema: a faithful subset of Warcraft Logs' own (same names, arguments, types and nullability; schema of
//! 2026-07). Resolvers read the world and book points; they know nothing of HTTP.

mod character;
mod enums;
mod report;
mod scalar;
mod variables;
mod zone;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Response, SimpleObject};

use crate::points::Reading;
use crate::server::Shared;

use character::CharacterData;
use report::ReportData;
use variables::VariableTypes;
use zone::WorldData;

/// The executable schema.
pub(crate) struct Schema {
    schema: async_graphql::Schema<Query, EmptyMutation, EmptySubscription>,
    variables: VariableTypes,
}

impl Schema {
    /// Builds the schema once.
    pub(crate) fn new() -> Self {
        let schema = async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription).finish();
        Self { variables: VariableTypes::new(&schema.sdl()), schema }
    }

    /// The schema in GraphQL's definition language.
    pub(crate) fn definition(&self) -> String {
        self.schema.sdl()
    }

    /// Parses, validates and executes a query.
    pub(crate) async fn execute(&self, mut request: Request) -> Response {
        let checked = request.parsed_query().and_then(|document| self.variables.check(document));
        match checked {
            Ok(()) => self.schema.execute(request).await,
            Err(error) => Response::from_errors(vec![error]),
        }
    }
}

/// What one request's resolvers share.
pub(crate) struct Scope {
    pub shared: Arc<Shared>,
    /// The client's account before this query.
    pub reading: Reading,
    pub tally: Arc<Tally>,
}

impl Scope {
    /// Books points for this query.
    fn spend(&self, points: u32) {
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

fn scope<'c>(ctx: &Context<'c>) -> &'c Scope {
    ctx.data_unchecked::<Scope>()
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn character_data(&self) -> Option<CharacterData> {
        Some(CharacterData)
    }

    async fn rate_limit_data(&self, ctx: &Context<'_>) -> Option<RateLimitData> {
        let reading = scope(ctx).reading;
        Some(RateLimitData {
            limit_per_hour: reading.limit,
            points_spent_this_hour: reading.spent,
            points_reset_in: reading.resets_in,
        })
    }

    async fn report_data(&self) -> Option<ReportData> {
        Some(ReportData)
    }

    async fn world_data(&self) -> Option<WorldData> {
        Some(WorldData)
    }
}

#[derive(SimpleObject)]
struct RateLimitData {
    limit_per_hour: i32,
    points_spent_this_hour: f64,
    points_reset_in: i32,
}
