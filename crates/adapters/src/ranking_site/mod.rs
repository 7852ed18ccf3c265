//! The ranking pages of the site: one request per page, what stands on it, and how it refuses.
//!
//! Nothing here tries to get round a refusal. Rows are found by their id and players by their link, wherever it stands in
//! the row.

mod page;

use anyhow::{Context, anyhow};
use parsebook_core::ports::{Board, RankingSite, SourceError, SourcePage};
use reqwest::Client;
use url::Url;

pub use self::page::{PageContent, parse};
use crate::http;

/// A page is some 200 KB; one that is larger than this is not a page.
const MAX_PAGE_BYTES: usize = 2_000_000;

/// The site behind `WCL_URL`.
#[derive(Debug, Clone)]
pub struct WclSite {
    client: Client,
    base: Url,
}

impl WclSite {
    /// The site at `base`, asked as `user_agent`.
    ///
    /// # Errors
    /// When either is malformed.
    pub fn new(base: &str, user_agent: &str) -> anyhow::Result<Self> {
        Ok(Self { client: http::client(user_agent)?, base: http::base_url(base)? })
    }
}

impl RankingSite for WclSite {
    async fn ranking_page(&self, board: &Board, page: u32) -> Result<SourcePage, SourceError> {
        let url = page_url(&self.base, board, page)?;
        let mut response =
            self.client.get(url.clone()).send().await.with_context(|| format!("asking for ranking page {page}"))?;
        let status = response.status();
        if let Some(refusal) = http::refusal_in_head(status, response.url(), response.headers()) {
            return Err(SourceError::Refused(refusal));
        }
        if http::is_refusing_status(status) {
            return Err(SourceError::Refused(format!("HTTP {status}")));
        }
        let body = http::read_body(&mut response, MAX_PAGE_BYTES).await;
        let body = body.with_context(|| format!("ranking page {page}"))?;
        if !status.is_success() {
            return Err(match http::refusal_in_body(&body) {
                Some(reason) => SourceError::Refused(format!("{reason} (HTTP {})", status.as_u16())),
                None => SourceError::Failed(anyhow!("ranking page {page}: HTTP {status}")),
            });
        }
        read(&body).map_err(|error| match error {
            SourceError::Failed(error) => SourceError::Failed(error.context(format!("ranking page {page}"))),
            other => other,
        })
    }
}

fn page_url(base: &Url, board: &Board, page: u32) -> anyhow::Result<Url> {
    let Board { raid, difficulty, partition } = board;
    // Mythic boards are of 20 players; the site uses 10 for the flexible difficulties.
    let size = if *difficulty == 5 { 20 } else { 10 };
    let path = format!(
        "zone/rankings/table/{raid}/playerspeed/-1/{difficulty}/{size}/{partition}/Any/Any/0/0/0/0/0/?search=&page={page}"
    );
    let base = base.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/{path}")).context("building a ranking page's address")
}

fn last_place(body: &[u8], needle: &[u8]) -> Option<usize> {
    body.windows(needle.len()).rposition(|window| window.eq_ignore_ascii_case(needle))
}

/// A page, the end of the board, or a refusal: an empty table is the end only if there is a table.
fn read(body: &[u8]) -> Result<SourcePage, SourceError> {
    let content = parse(body)?;
    // A table that is cut off would look like a short page, or like the end of the board.
    if content.has_table && last_place(body, b"</table") <= last_place(body, b"<table") {
        return Err(SourceError::Failed(anyhow!("the ranking table is cut off after {} bytes", body.len())));
    }
    // Only hidden players have no link: a page without any is of a form that is not understood.
    if content.players.is_empty() && content.rows > content.hidden {
        return Err(SourceError::Failed(anyhow!("none of {} rows links to a character", content.rows)));
    }
    if content.rows == 0 && content.has_characters {
        return Err(SourceError::Failed(anyhow!("characters stand in rows of a form that is not understood")));
    }
    if content.rows > 0 {
        let skipped = u32::try_from(content.odd).unwrap_or(u32::MAX);
        return Ok(SourcePage { players: content.players, skipped, is_last: false });
    }
    if let Some(reason) = http::refusal_in_body(body) {
        return Err(SourceError::Refused(reason.to_owned()));
    }
    // A fragment is the table alone; in a whole page, any table could stand for something else.
    if content.has_ranking_table || (content.has_table && !content.is_whole_page) {
        return Ok(SourcePage { is_last: true, ..SourcePage::default() });
    }
    Err(SourceError::Refused(format!("an answer of {} bytes without a ranking table", body.len())))
}

#[cfg(test)]
mod tests {
    use parsebook_core::scrap::MAX_ID;
    use proptest::prelude::*;

    use super::*;

    const ROW: &str = r#"<tr id="row--1-1" class=""><td class="rank">1</td><td class="main-table-name">
        <div class="players-table-name"><a target=_blank href="/character/id/57147396/?zone=31">Ch&ocirc;gun</a></div>
        </td><script>new Date(1)</script></tr>"#;

    fn table(rows: &str) -> String {
        format!("<table class='summary-table ranking-table players-table'><tbody>{rows}</tbody></table>")
    }

    #[test]
    fn rows_are_read_wherever_the_link_stands() {
        let hidden = r#"<tr id="row--1-2"><td>Anonymous</td></tr>"#;
        let absolute = r#"<tr id=row--1-3><td><b><a href='https://www.example.org/character/id/7'>x</a></b></td></tr>"#;
        let elsewhere = r#"<a href="/character/id/8">not in a row</a>"#;
        let page = parse(format!("{elsewhere}{}", table(&format!("{ROW}{hidden}{absolute}"))).as_bytes()).unwrap();
        assert_eq!((page.rows, page.hidden, page.odd, page.players), (3, 1, 0, vec![57_147_396, 7]));
        assert!(page.has_ranking_table && !page.is_whole_page);
    }

    #[test]
    fn a_row_that_is_not_understood_is_counted() {
        let odd = r#"<tr id="row--1-4"><td><a href="/guild/id/9">no character</a></td></tr>"#;
        let hidden = r#"<tr id="row--1-2"><td>Anonymous</td></tr>"#;
        let page = read(table(&format!("{ROW}{odd}{hidden}{odd}")).as_bytes()).unwrap();
        assert_eq!(page, SourcePage { players: vec![57_147_396], skipped: 2, is_last: false });
    }

    #[test]
    fn an_empty_table_is_the_end_and_nothing_else_is() {
        assert_eq!(read(table("").as_bytes()).unwrap(), SourcePage { is_last: true, ..SourcePage::default() });
        for (body, reason) in [
            ("Use the API at /v1/docs instead of scraping HTML.", "use the API"),
            ("<html><title>Just a moment...</title></html>", "browser check"),
            ("<form action='/human-challenge'></form>", "human check"),
            ("", "without a ranking table"),
            ("<html><table><div class='cf-challenge'></div></table></html>", "browser check"),
            ("<html><table><tr><td>Down for maintenance</td></tr></table></html>", "without a ranking table"),
        ] {
            match read(body.as_bytes()) {
                Err(SourceError::Refused(said)) => assert!(said.contains(reason), "{body}: {said}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn only_rows_of_the_ranking_table_count() {
        let other = r#"<table><tr id="a"><td><a href="/character/id/9">x</a></td></tr></table>"#;
        let page = read(format!("<html><body>{other}{}{other}</body></html>", table(ROW)).as_bytes()).unwrap();
        assert_eq!(page, SourcePage { players: vec![57_147_396], ..SourcePage::default() });
        let end = read(format!("<html><body>{other}{}</body></html>", table("")).as_bytes()).unwrap();
        assert_eq!(end, SourcePage { is_last: true, ..SourcePage::default() });
    }

    #[test]
    fn rows_without_any_link_are_a_failure_and_not_an_empty_page() {
        let rows = r#"<tr id="row--1-2"><td><a href="/profile/7">x</a></td></tr>"#.repeat(3);
        match read(table(&rows).as_bytes()) {
            Err(SourceError::Failed(error)) => assert_eq!(error.to_string(), "none of 3 rows links to a character"),
            other => panic!("{other:?}"),
        }
        let without_id = r#"<tr class="odd"><td><a href="/character/id/7">x</a></td></tr>"#;
        match read(table(without_id).as_bytes()) {
            Err(SourceError::Failed(error)) => assert!(error.to_string().contains("not understood"), "{error}"),
            other => panic!("{other:?}"),
        }
        let hidden = r#"<tr id="row--1-2"><td><span>Anonymous</span></td></tr>"#;
        assert_eq!(read(table(hidden).as_bytes()).unwrap(), SourcePage::default());
    }

    #[test]
    fn a_guild_that_is_called_like_a_refusal_is_no_refusal() {
        let row = ROW.replace("Ch&ocirc;gun", "Just a moment");
        assert_eq!(read(table(&row).as_bytes()).unwrap().players, [57_147_396]);
    }

    #[test]
    fn a_table_that_is_cut_off_is_neither_a_page_nor_the_end() {
        let other = "<table class='summary-table'></table>";
        let cut_off = table(ROW).replace("</table>", "");
        for body in ["<table><tbody>".to_owned(), format!("<html>{other}{cut_off}"), cut_off] {
            assert!(matches!(read(body.as_bytes()), Err(SourceError::Failed(_))), "{body}");
        }
    }

    proptest! {
        /// Cut, overwritten, repeated, or no HTML at all: a page is a page, an end, or an error, never a panic, and
        /// never a player who could not be asked for.
        #[test]
        fn no_mutation_of_a_page_is_too_much(
            rows in 0..4_usize,
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize), 0..4),
            splices in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..12)), 0..4),
        ) {
            let mut page = table(&ROW.repeat(rows)).into_bytes();
            for (at, length) in cuts {
                let at = at.index(page.len().max(1)).min(page.len());
                page.drain(at..(at + length).min(page.len()));
            }
            for (at, bytes) in splices {
                let at = at.index(page.len() + 1);
                page.splice(at..at, bytes);
            }
            if let Ok(read) = read(&page) {
                prop_assert!(read.players.iter().all(|id| (1..=MAX_ID).contains(id)));
                prop_assert!(read.players.len() <= rows);
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let read = read(&bytes);
            prop_assert!(read.is_err() || read.is_ok_and(|page| page.players.is_empty()));
        }
    }

    #[test]
    fn the_address_is_the_documented_one() {
        let base = Url::parse("https://www.example.org/").unwrap();
        let url = page_url(&base, &Board { raid: 31, difficulty: 5, partition: 2 }, 7).unwrap();
        assert_eq!(
            url.as_str(),
            "https://www.example.org/zone/rankings/table/31/playerspeed/-1/5/20/2/Any/Any/0/0/0/0/0/?search=&page=7"
        );
    }
}
