//! Ranking pages: rows, paging, layouts, and every refusal.

mod common;

use std::collections::BTreeSet;

use common::{Board, NORMAL, Site, linked_ids};
use parsebook_simulator::PageLayout;

#[tokio::test]
async fn the_board_holds_everyone_who_killed_something_and_ends() {
    let site = Site::start(|_| {}).await;
    let expected: BTreeSet<i32> = site
        .world()
        .players()
        .filter(|player| player.pairs().any(|pair| pair == (62, 3)) && !player.is_hidden())
        .map(|player| player.id())
        .collect();
    let mut found = BTreeSet::new();
    let mut page = 1;
    loop {
        let text = site.page_text(&NORMAL, page).await;
        assert!(text.contains("<table"), "an empty page still has its table");
        let rows = text.matches("<tr id=\"row--1-").count();
        if rows == 0 {
            break;
        }
        found.extend(linked_ids(&text));
        page += 1;
    }
    assert_eq!(found, expected);
    assert!(page > 2, "the board has more than one page");
}

#[tokio::test]
async fn a_wrong_size_or_partition_is_an_empty_table() {
    let site = Site::start(|_| {}).await;
    for board in [
        Board { size: 20, ..NORMAL },
        Board { partition: 1, ..NORMAL },
        Board { raid: 1, ..NORMAL },
        Board { difficulty: 9, ..NORMAL },
    ] {
        let text = site.page_text(&board, 1).await;
        assert!(text.contains("<table") && !text.contains("<tr id=\"row-"), "{board:?}");
    }
}

#[tokio::test]
async fn the_whole_page_holds_the_same_rows() {
    let fragment = Site::start(|_| {}).await;
    let page = Site::start(|config| config.layout = PageLayout::Page).await;
    let (small, large) = (fragment.page_text(&NORMAL, 1).await, page.page_text(&NORMAL, 1).await);
    assert!(small.starts_with("<div") && large.starts_with("<!DOCTYPE html>"));
    assert_eq!(linked_ids(&small), linked_ids(&large));
    assert!(linked_ids(&small).len() > 90);
}
