//! The GraphQL schema: a faithful subset of Warcraft Logs' own (same names, arguments, types and nullability; schema of
//! 2026-07). Resolvers read the world and book points; they know nothing of HTTP.

mod character;
mod enums;
mod report;
mod reports;
mod scalar;
pub(crate) mod scope;
mod variables;
mod zone;

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Request, Response, SimpleObject};

use character::CharacterData;
use reports::ReportData;
use scope::scope;
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
