//! Ranking pages: rows, paging, layouts, and every refusal.

use std::collections::BTreeSet;

use crate::common::{Board, NORMAL, Site, linked_ids};
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

#[tokio::test]
async fn rows_carry_name_realm_and_rank_but_hidden_ones_no_link() {
    let site = Site::start(|_| {}).await;
    let (mut rows, mut page) = (Vec::new(), 1);
    loop {
        let text = site.page_text(&NORMAL, page).await;
        let found: Vec<String> = text.split("<tr id=\"row--1-").skip(1).map(str::to_owned).collect();
        if found.is_empty() {
            break;
        }
        rows.extend(found);
        page += 1;
    }
    let mut hidden = 0;
    for (at, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("{}\" class=\"\"", at + 1)), "rows are numbered through all pages");
        assert!(row.contains("<script>"), "a script stands between the cells");
        let Some(id) = linked_ids(&format!("<tr id=\"row--1-{row}")).first().copied() else {
            assert!(row.contains("Anonymous"));
            hidden += 1;
            continue;
        };
        let player = site.world().player(id).unwrap();
        let realm = player.realm();
        let escaped = realm.name.replace('&', "&amp;").replace('\'', "&#039;");
        assert!(row.contains(&format!(">{}</a>", player.name())));
        assert!(row.contains(&format!("{escaped} ({})</a>", realm.region.compact_name())));
        assert!(row.contains("target=\"_blank\""));
    }
    let expected =
        site.world().players().filter(|player| player.is_hidden() && player.pairs().any(|pair| pair == (62, 3)));
    assert_eq!(hidden, expected.count());
    assert_eq!(site.handle.stats().site_rows, rows.len() as u64);
}

#[tokio::test]
async fn one_region_can_be_asked_for() {
    let site = Site::start(|_| {}).await;
    let path = "62/playerspeed/-1/3/10/2/Any/Any/0/0/3/0/0/?search=&page=1";
    let url = format!("{}/zone/rankings/table/{path}", site.handle.url());
    let text = site.http.get(url).send().await.unwrap().text().await.unwrap();
    let ids = linked_ids(&text);
    assert!(!ids.is_empty());
    let regions: BTreeSet<_> = ids.iter().map(|&id| site.world().player(id).unwrap().realm().region.id()).collect();
    assert_eq!(regions, BTreeSet::from([3]));
}
