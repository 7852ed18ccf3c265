//! What stands on a ranking page.
//!
//! The parser rules on broken nesting as browsers do. It is fed in small pieces and stopped when the tree outgrows any
//! real page, because a hostile page of 2 MB could otherwise become gigabytes.

use anyhow::ensure;
use html5ever::driver::{ParseOpts, parse_document};
use html5ever::tendril::{StrTendril, TendrilSink};
use parsebook_core::PlayerId;
use parsebook_core::scrap::MAX_ID;
use scraper::{ElementRef, Html, HtmlTreeSink};

/// A page of 100 rows has some 6,000 nodes.
const MOST_NODES: usize = 40_000;
/// A link stands some 15 elements deep. The work that one tag can cause grows with its depth.
const MOST_DEPTH: usize = 256;
/// The parser compares every attribute of a tag with every other.
const LONGEST_TAG: usize = 64 * 1024;
/// Bytes that the parser gets before the tree is looked at.
const PIECE: usize = 512;

/// What stands in a document, whatever it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageContent {
    /// Whether there is a table at all.
    pub has_table: bool,
    /// Whether one of the tables is the ranking's, by its class.
    pub has_ranking_table: bool,
    /// Whether it is a whole page, not a fragment.
    pub is_whole_page: bool,
    /// Rows of the ranking table with an id: ranked players, hidden ones included.
    pub rows: usize,
    /// Rows of hidden players, whom the site calls Anonymous.
    pub hidden: usize,
    /// Rows of neither.
    pub odd: usize,
    /// Whether a character is linked anywhere in the ranking table.
    pub has_characters: bool,
    /// Players with a link to their character in one of the rows.
    pub players: Vec<PlayerId>,
}

/// Reads any bytes as HTML. In a fragment the first table is the ranking's, whatever its class.
///
/// # Errors
/// When the document is too large, too deep or too broken to be a page.
pub fn parse(html: &[u8]) -> anyhow::Result<PageContent> {
    let html = String::from_utf8_lossy(html);
    let document = tree(&html)?;
    let mut content = PageContent { is_whole_page: is_whole_page(&html), ..PageContent::default() };
    let tables = || elements(&document).filter(|element| element.value().name() == "table");
    content.has_table = tables().next().is_some();
    let ranking = tables().find(is_ranking_table);
    content.has_ranking_table = ranking.is_some();
    let Some(table) = ranking.or_else(|| tables().next().filter(|_| !content.is_whole_page)) else {
        return Ok(content);
    };
    for row in table.descendent_elements().filter(|row| row.value().name() == "tr" && row.value().id().is_some()) {
        content.rows += 1;
        let is_hidden = row.text().any(|text| text.trim() == "Anonymous");
        content.hidden += usize::from(is_hidden);
        let links = row.descendent_elements().filter(|element| element.value().name() == "a");
        let ids = links.filter_map(|link| character_id(link.value().attr("href")?));
        let mut is_odd = !is_hidden;
        for id in ids {
            is_odd = false;
            // A row may link its character twice.
            if content.players.last() != Some(&id) {
                content.players.push(id);
            }
        }
        content.odd += usize::from(is_odd);
    }
    let links = table.descendent_elements().filter_map(|element| element.value().attr("href"));
    content.has_characters = links.filter_map(character_id).next().is_some();
    Ok(content)
}

fn elements(document: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    document.tree.root().descendants().filter_map(ElementRef::wrap)
}

fn is_ranking_table(table: &ElementRef<'_>) -> bool {
    table.value().classes().any(|class| matches!(class, "ranking-table" | "players-table"))
}

/// Whether the document says so itself: the parser adds the `html` element where there is none.
fn is_whole_page(html: &str) -> bool {
    html.match_indices('<').any(|(at, _)| {
        let tag = html.as_bytes().get(at + 1..at + 5).unwrap_or_default();
        tag.eq_ignore_ascii_case(b"html") || tag.eq_ignore_ascii_case(b"body")
    })
}

fn tree(html: &str) -> anyhow::Result<Html> {
    let mut parser = parse_document(HtmlTreeSink::new(Html::new_document()), ParseOpts::default());
    let (mut rest, mut grown, mut in_tag) = (html, (0, 0), 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        parser.process(StrTendril::from_slice(piece));
        rest = after;
        let document = parser.tokenizer.sink.sink.0.borrow();
        let last = document.tree.nodes().next_back();
        let text = last.and_then(|node| node.value().as_text()).map_or(0, |text| text.len());
        let now = (document.tree.values().len(), text);
        ensure!(now.0 <= MOST_NODES, "more than {MOST_NODES} elements and texts");
        let depth = last.map_or(0, |node| node.ancestors().take(MOST_DEPTH + 1).count());
        ensure!(depth <= MOST_DEPTH, "elements lie more than {MOST_DEPTH} deep");
        in_tag = if now == grown { in_tag + piece.len() } else { 0 };
        ensure!(in_tag <= LONGEST_TAG, "a tag of more than {LONGEST_TAG} bytes");
        grown = now;
    }
    Ok(parser.finish())
}

/// The digits behind `/character/id/`.
fn character_id(href: &str) -> Option<PlayerId> {
    let (_, rest) = href.split_once("/character/id/")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|id| (1..=MAX_ID).contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_cannot_be_asked_are_left_out() {
        for href in ["/character/id/", "/character/id/0", "/character/id/99999999999", "/character/eu/realm/name"] {
            assert_eq!(character_id(href), None, "{href}");
        }
    }

    /// Two megabytes that a parser without bounds would take minutes or gigabytes for.
    #[test]
    fn a_hostile_page_is_given_up() {
        let numbered = |count: usize, text: fn(usize) -> String| (0..count).map(text).collect::<String>();
        let many = |text: &str| text.repeat(2_000_000 / text.len());
        let reopened = numbered(100_000, |n| format!("<b a{n}>")) + &"<p>".repeat(300_000);
        let attributes = format!("<x {}>", numbered(280_000, |n| format!("a{n} ")));
        let quoted = format!("<x {}>", numbered(160_000, |n| format!("a{n}=\">\" ")));
        let rows = format!("<table class=ranking-table>{}", "<tr id=a><td>".repeat(150_000));
        for (page, why) in [
            (many("<b>"), "deep"),
            (many("<div>"), "deep"),
            (many("<table>"), "elements"),
            (many("<table><a>1"), "elements"),
            (many("<font size=1><p>"), "elements"),
            (reopened, "deep"),
            (attributes, "a tag of"),
            (quoted, "a tag of"),
            (rows, "elements"),
        ] {
            let error = parse(page.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{}…: {error}", &page[..40]);
        }
        // Text alone costs nothing.
        assert_eq!(parse(many("x < ").as_bytes()).unwrap().rows, 0);
    }
}
