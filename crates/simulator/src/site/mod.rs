//! The ranking site: `/zone/rankings/table/…` and the ways in which it refuses. Markup lives in [`page`].

mod page;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::fault::Fault;
use crate::faults::Occasion;
use crate::respond::{self, Cut};
use crate::state::Shared;
use crate::world::Region;
use crate::zone_rankings::raid_size;

/// The address of a ranking table, as far as it has a meaning here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    raid: i32,
    boss: i32,
    difficulty: i32,
    size: i32,
    partition: i32,
    /// Numeric region, 0 all.
    region: i32,
}

impl Address {
    /// Reads `<raid>/<metric>/<boss>/<difficulty>/<size>/<partition>/<class>/<spec>/<bracket>/<server>/<region>/…`.
    fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let number = |at: usize| parts.get(at)?.parse::<i32>().ok();
        if !matches!(*parts.get(1)?, "playerspeed" | "playerscore" | "dps" | "hps" | "bossdps") {
            return None;
        }
        Some(Self {
            raid: number(0)?,
            boss: number(2)?,
            difficulty: number(3)?,
            size: number(4)?,
            partition: number(5)?,
            region: number(10).unwrap_or(0),
        })
    }
}

/// The part of the query that has a meaning here.
#[derive(Deserialize)]
pub(crate) struct Asked {
    page: Option<i32>,
}

/// Answers one page, or refuses it. A page number that cannot be read means the first one.
pub(crate) async fn table(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let number = asked.ok().and_then(|Query(asked)| asked.page).filter(|&page| page > 0).unwrap_or(1);
    let (in_flight, in_last_second, at_once) = shared.recorder.site_arrives();
    shared.wait().await;
    let occasion = Occasion { id: Some(number), in_last_second, at_once };
    if shared.faults.strikes(Fault::SiteDropped, occasion) {
        return respond::dropped();
    }
    if shared.faults.strikes(Fault::SiteGarbage, occasion) {
        return respond::body(page::GARBAGE.to_vec(), "text/html; charset=UTF-8", None);
    }
    if let Some(refusal) = refusal(&shared, occasion) {
        shared.recorder.site_refused();
        return refusal;
    }
    let hostile = shared.faults.strikes(Fault::SiteHostileNames, occasion);
    let started = std::time::Instant::now();
    let (mut text, rows) = render(&shared, &path, number, hostile);
    let busy = started.elapsed();
    shared.recorder.count(|stats| {
        stats.site_rows += rows as u64;
        stats.site_busy += busy;
    });
    if shared.faults.strikes(Fault::SiteTruncated, occasion) {
        respond::cut_text(&mut text);
    }
    let cut = shared.faults.first(&[Fault::SiteCutOff, Fault::SiteSlowBody], occasion).map(|fault| match fault {
        Fault::SiteCutOff => Cut::Off,
        _ => Cut::Slow,
    });
    let response = respond::body(text, "text/html; charset=UTF-8", cut);
    drop(in_flight);
    response
}

/// The human check itself, which a redirected client may follow to: HTTP 200 and a form.
pub(crate) async fn human_challenge() -> Html<&'static str> {
    Html(page::HUMAN_CHECK)
}

/// What counts as a refusal, in every form that has been seen.
fn refusal(shared: &Shared, occasion: Occasion) -> Option<Response> {
    use Fault as F;
    let refusals = [F::SiteHumanCheck, F::SiteHumanPage, F::SiteUseApi, F::SiteCloudflare, F::SiteJustAMoment];
    let others = [F::Site403, F::Site429, F::SiteTiny, F::SiteEmpty];
    let all = [&refusals[..], &others, &Fault::SITE_GATEWAY].concat();
    let fault = shared.faults.first(&all, occasion)?;
    let html = |status: StatusCode, text: &'static str| (status, Html(text)).into_response();
    Some(match fault {
        F::SiteHumanCheck => {
            let target = "/human-challenge?intendedUrl=%2Fzone%2Frankings&expiresAt=1786400000&signature=5f0c";
            (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_static(target))]).into_response()
        }
        F::SiteHumanPage => html(StatusCode::OK, page::HUMAN_CHECK),
        F::SiteUseApi => html(StatusCode::OK, page::USE_API),
        F::SiteCloudflare => respond::cloudflare(),
        F::SiteJustAMoment => html(StatusCode::OK, respond::JUST_A_MOMENT),
        F::Site403 => {
            html(StatusCode::FORBIDDEN, "<html><head><title>403 Forbidden</title></head><body></body></html>")
        }
        F::Site429 => {
            let mut response = html(StatusCode::TOO_MANY_REQUESTS, "<html><body>Too Many Requests</body></html>");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
        F::SiteTiny => html(StatusCode::OK, "<div></div>"),
        F::SiteEmpty => html(StatusCode::OK, ""),
        gateway => respond::gateway(gateway.status()),
    })
}

/// Writes a page and tells how many rows it has. An address that fits no board, size or partition has none.
fn render(shared: &Shared, path: &str, number: i32, hostile: bool) -> (String, usize) {
    let world = &shared.world;
    let start = (number as usize - 1) * page::ROWS;
    let address = Address::parse(path);
    let rows: Vec<u32> = address
        .and_then(|address| {
            let raid = world.raid(address.raid)?;
            let fits = address.boss == -1
                && address.size == raid_size(address.difficulty)
                && address.partition == raid.partition;
            let difficulty = u8::try_from(address.difficulty).ok().filter(|_| fits)?;
            let board = shared.boards.board(world.raid_index(raid.id)?, difficulty);
            if address.region == 0 {
                return Some(board.iter().skip(start).take(page::ROWS).copied().collect());
            }
            let region = Region::ALL.into_iter().find(|region| region.id() == address.region)?;
            let mine = board.iter().filter(|&&row| world.at(row).realm().region == region);
            Some(mine.skip(start).take(page::ROWS).copied().collect())
        })
        .unwrap_or_default();
    let at = page::Place { raid: address.map_or(0, |address| address.raid), start, number, hostile };
    (page::write(world, shared.layout, &rows, at, shared.started_at), rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_address_is_read() {
        let address = Address::parse("31/playerspeed/-1/4/10/1/Any/Any/0/0/0/0/0/");
        let expected = Address { raid: 31, boss: -1, difficulty: 4, size: 10, partition: 1, region: 0 };
        assert_eq!(address, Some(expected));
        assert_eq!(Address::parse("31/playerspeed/-1/x/10/1"), None);
        assert_eq!(Address::parse("31/nonsense/-1/4/10/1"), None);
    }
}
