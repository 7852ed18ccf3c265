//! The page around the sections: one file that asks nothing of anybody.

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Report;
use crate::sections::all;

const STYLE: &str = include_str!("style.css");
const LIVE: &str = include_str!("live.js");

/// The page as one file.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn page(report: &Report<'_>) -> Result<String> {
    Ok(around(all(report)?, None).into_string())
}

/// The page that refreshes itself: it asks its own server for `path`, which answers [`sections`].
///
/// # Errors
/// When a plot cannot be drawn.
pub fn live_page(report: &Report<'_>, path: &str) -> Result<String> {
    Ok(around(all(report)?, Some(path)).into_string())
}

/// What stands inside the page.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn sections(report: &Report<'_>) -> Result<String> {
    Ok(all(report)?.into_string())
}

/// The browser itself holds the page to its word, whatever name stands in it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const LIVE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                           img-src data:; base-uri 'none'; form-action 'none'";

fn around(sections: Markup, live: Option<&str>) -> Markup {
    let policy = if live.is_some() { LIVE_POLICY } else { POLICY };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="color-scheme" content="light dark";
                // Browsers ask for an icon where none is named.
                link rel="icon" href="data:,";
                title { "parsebook report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main id="report" data-live=[live] { (sections) }
                @if live.is_some() { script { (PreEscaped(LIVE)) } }
            }
        }
    }
}
