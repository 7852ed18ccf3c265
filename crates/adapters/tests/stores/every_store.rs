//! The suite that every store must pass, against the embedded store and a real MongoDB.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_test_support::mongod;

use crate::contract;

async fn mongo() -> Option<MongoStore> {
    let (uri, database) = mongod::shared().unwrap()?;
    let config = MongoConfig { uri: uri.into(), database, app_name: "stores".into(), max_connections: 10 };
    let store = MongoStore::connect(&config).await.unwrap();
    store.ensure_indexes().await.unwrap();
    Some(store)
}

macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::contract::$name(&super::EmbeddedStore::open(folder.path()).unwrap()).await.unwrap();
            })*
        }
        mod mongo {
            $(#[tokio::test]
            async fn $name() {
                if let Some(store) = super::mongo().await {
                    super::contract::$name(&store).await.unwrap();
                }
            })*
        }
    };
}

on_every_store!(
    a_rule_is_claimed_by_one,
    a_rules_state_comes_back,
    finds_are_merged,
    concurrent_merges_lose_nothing,
    removing_is_exact,
    adding_while_removing_loses_nothing,
    a_part_replaces_only_itself,
    hidden_players_lose_their_ranks,
    a_region_comes_in_order,
    a_large_region_is_read_whole,
    raids_are_kept,
    the_journal_keeps_what_it_is_given,
    a_census_counts_everything,
);
