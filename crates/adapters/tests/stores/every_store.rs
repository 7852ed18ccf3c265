//! The suite that every store must pass, against the embedded store and a real MongoDB.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_test_support::mongod;

use crate::{contract, reports};

async fn mongo() -> Option<MongoStore> {
    let (uri, database) = mongod::shared().unwrap()?;
    let config = MongoConfig { uri: uri.into(), database, app_name: "stores".into(), max_connections: 10 };
    let store = MongoStore::connect(&config).await.unwrap();
    store.ensure_indexes().await.unwrap();
    Some(store)
}

macro_rules! on_every_store {
    ($($suite:ident::$name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$suite::$name(&super::EmbeddedStore::open(folder.path()).unwrap()).await.unwrap();
            })*
        }
        mod mongo {
            $(#[tokio::test]
            async fn $name() {
                if let Some(store) = super::mongo().await {
                    super::$suite::$name(&store).await.unwrap();
                }
            })*
        }
    };
}

on_every_store!(
    contract::a_rule_is_claimed_by_one,
    contract::a_rules_state_comes_back,
    contract::refusals_without_a_rule_are_kept,
    contract::finds_are_merged,
    contract::concurrent_merges_lose_nothing,
    contract::removing_is_exact,
    contract::adding_while_removing_loses_nothing,
    contract::a_part_replaces_only_itself,
    contract::hidden_players_lose_their_ranks,
    contract::a_region_comes_in_order,
    contract::a_large_region_is_read_whole,
    contract::raids_are_kept,
    contract::the_journal_keeps_what_it_is_given,
    contract::a_census_counts_everything,
    reports::folding_is_what_the_pure_fold_does,
    reports::kills_folded_in_at_once_all_count,
    reports::what_is_known_is_told,
    reports::reports_wait_for_their_day,
    reports::an_older_kill_renames_nobody,
    reports::reports_that_were_read_are_known,
    reports::some_players_of_discovers_are_read,
);
