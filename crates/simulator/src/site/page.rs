//! The markup of ranking pages, as parsers of the live page describe it (`docs/wcl.md`; nobody has published a saved page).

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::classes::{class_slug, spec_for};
use crate::rng::hash;
use crate::state::PageLayout;
use crate::world::{Metric, Player, World};

/// Rows on one page.
pub(super) const ROWS: usize = 100;

/// Where a page stands on its board.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub raid: i32,
    /// Rows before this page.
    pub start: usize,
    /// Page number, from 1.
    pub number: i32,
    /// Whether names and guilds are to hold markup.
    pub hostile: bool,
}

pub(super) const USE_API: &str = "Use the API at /v1/docs instead of scraping HTML.";

pub(super) const HUMAN_CHECK: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>Human Challenge - Warcraft Logs</title></head><body><div id=\"human-challenge\" class=\"dialog-block\">\
    <h1>Please confirm that you are a human</h1><form method=\"POST\" action=\"/human-challenge\">\
    <input type=\"hidden\" name=\"intendedUrl\" value=\"/zone/rankings\"><input type=\"hidden\" name=\"expiresAt\" \
    value=\"1786400000\"><input type=\"hidden\" name=\"signature\" value=\"5f0c7a\">\
    <button type=\"submit\">I am a human</button></form><p>This helps us to keep the site fast for everybody. If you \
    need the data for a program, please use the API instead of loading these pages.</p></div></body></html>";

/// Neither HTML nor UTF-8, and longer than a tiny body.
pub(super) const GARBAGE: &[u8] = &{
    let mut bytes = [0u8; 4096];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = ((at * 197 + at / 7 * 31 + 0x80) % 256) as u8;
        at += 1;
    }
    bytes
};

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "</table></div>Nobody",
    "O&#39;Brien &quot;x&quot;",
    "a\" href=\"/character/id/1\" x=\"",
    "]]>--><!--",
    "\u{202e}\u{0}gnaL",
];

/// Writes the page: a table with one row per player, hidden ones without a link to the character.
pub(super) fn write(world: &World, layout: PageLayout, rows: &[u32], at: Place, now: DateTime<Utc>) -> String {
    let mut out = String::with_capacity(4096 + rows.len() * 1700);
    if layout == PageLayout::Page {
        out.push_str(PAGE_HEAD);
    }
    push(&mut out, format_args!("<div id=\"rankings-table-wrapper\"><table id=\"rankings-table-{}\" ", at.raid));
    out.push_str(TABLE_HEAD);
    for (offset, &row) in rows.iter().enumerate() {
        write_row(&mut out, world.at(row), at.start + offset + 1, at.hostile, now);
    }
    out.push_str("</tbody></table></div>\n");
    write_pager(&mut out, at.number, rows.len() == ROWS);
    if layout == PageLayout::Page {
        out.push_str(PAGE_FOOT);
    }
    out
}

const TABLE_HEAD: &str = "class=\"summary-table ranking-table players-table\" cellspacing=\"0\"><thead><tr>\
    <th class=\"rank\">Rank</th><th class=\"main-table-name\">Name</th><th class=\"video-cell\">&nbsp;</th>\
    <th class=\"ilvl-cell\">Item Level</th><th class=\"main-table-number primary\">Score</th>\
    <th class=\"players-table-size\">Size</th><th class=\"players-table-date\">Date</th>\
    <th class=\"players-table-duration\">Duration</th><th>Gear</th><th class=\"players-table-restricted\">&nbsp;</th>\
    <th class=\"zmdi-flag\">&nbsp;</th></tr></thead><tbody>\n";

const PAGE_HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Rankings - Warcraft \
    Logs</title><link rel=\"stylesheet\" href=\"/css/app.css\"><script>window.zoneBosses = {\"tr\": \"<tr id='row--1-0'>\
    \"};</script></head><body class=\"warcraft\"><header id=\"header\"><nav><a href=\"/\">Warcraft Logs</a>\
    <a target=\"_blank\" href=\"/character/id/0/help\">What is a character page?</a></nav></header>\
    <div id=\"page-contents\"><table id=\"filters\"><tbody><tr><td>Difficulty</td><td>Partition</td></tr></tbody>\
    </table>\n";

const PAGE_FOOT: &str = "</div><footer id=\"footer\"><p>Rankings are updated continuously.</p></footer>\
    <script src=\"/js/app.js\"></script></body></html>\n";

fn write_pager(out: &mut String, number: i32, full: bool) {
    out.push_str("<ul class=\"pagination\">");
    let previous = if number > 1 { "" } else { " disabled\" aria-disabled=\"true" };
    push(out, format_args!("<li class=\"page-item{previous}\"><span class=\"page-link\">Previous</span></li>"));
    let next = if full { "" } else { " disabled\" aria-disabled=\"true" };
    push(out, format_args!("<li class=\"page-item{next}\"><span class=\"page-link\">Next</span></li></ul>\n"));
}

fn write_row(out: &mut String, player: Player<'_>, rank: usize, hostile: bool, now: DateTime<Utc>) {
    let dice = hash(&[u64::from(player.record.id), 17]);
    let metric = player.kills().first().map_or(Metric::Dps, |kill| kill.metric);
    let (class, spec) = (class_slug(player.class_id()), spec_for(player.class_id(), metric == Metric::Hps, dice).0);
    let colour = ["legendary", "epic", "rare", "uncommon", "common"][(dice % 5) as usize];
    let killed_at = now.timestamp_millis() - (dice % 1_209_600_000) as i64;
    push(out, format_args!("<tr id=\"row--1-{rank}\" class=\"\">\n<td class=\"rank {colour}\">{rank}</td>\n"));
    push(
        out,
        format_args!(
            "<td class=\"main-table-name\"><div class=\"players-table-name-guild-realm\">\
             <div class=\"players-table-name\"><img src=\"/img/pixel.gif\" class=\"sprite actor-spec-icon \
             actor-sprite-{class}-{spec}\" alt=\"\">"
        ),
    );
    if player.is_hidden() {
        out.push_str(
            "<span class=\"main-table-player Anonymous\">Anonymous</span></div>\
             <div class=\"players-table-guild-and-realm\"></div></div></td>\n",
        );
    } else {
        push(out, format_args!("<a class=\"main-table-link main-table-player {class}\" target=\"_blank\" href=\""));
        push(out, format_args!("/character/id/{}\">", player.id()));
        if hostile {
            push_escaped(out, HOSTILE[rank % HOSTILE.len()]);
        } else {
            push_escaped(out, player.name());
        }
        out.push_str("</a></div><div class=\"players-table-guild-and-realm\">");
        if !dice.is_multiple_of(4) {
            push(
                out,
                format_args!(
                    "<a class=\"players-table-guild main-table-guild\" href=\"/guild/id/{}\">",
                    dice % 700_000
                ),
            );
            push_escaped(out, if hostile { HOSTILE[(rank + 1) % HOSTILE.len()] } else { guild_name(dice) });
            out.push_str("</a> ");
        }
        out.push_str("<a class=\"players-table-realm\" href=\"/server/");
        push(out, format_args!("{}", player.realm().id));
        out.push_str("\">");
        push_escaped(out, &player.realm().name);
        push(out, format_args!(" ({})</a></div></div></td>\n", player.realm().region.compact_name()));
    }
    push(
        out,
        format_args!(
            "<td class=\"video-cell\"></td>\n<td class=\"ilvl-cell\">{}</td>\n<td class=\"main-table-number primary \
             players-table-score\">{}.{}</td>\n<td class=\"players-table-size\">{}</td>\n\
             <td class=\"players-table-date\"><span id=\"date-{rank}\"></span></td>\n\
             <script>document.getElementById('date-{rank}').innerHTML = \
             new Date({killed_at}).toLocaleDateString() + '<tr id=\"row-0-0\">'.slice(0, 0);</script>\n\
             <td class=\"players-table-duration\">{}:{:02}</td>\n<td class=\"gear-cell\"><img class=\"sprite\" \
             src=\"/img/trinket.jpg\" alt=\"\"></td>\n<td class=\"players-table-restricted\"></td>\n\
             <td class=\"zmdi-flag\"><i class=\"zmdi zmdi-flag\"></i></td>\n</tr>\n",
            380 + dice % 60,
            100 + dice % 900,
            dice % 10,
            10 + dice % 21,
            30 + dice % 40,
            dice % 60,
        ),
    );
}

/// Guilds have no part in anything; a handful of made-up names does.
fn guild_name(dice: u64) -> &'static str {
    ["Late Again", "Œuf à la coque", "Последний пул", "Pull & Pray", "O'Grady's", "새벽 공대"][(dice % 6) as usize]
}

/// Appends formatted text; writing into a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#039;"),
            c => out.push(c),
        }
    }
}
