//! Answers that several endpoints share: edge errors, bodies that break off, connections that close without a word.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures::StreamExt;
use futures::stream;

pub(crate) const JUST_A_MOMENT: &str = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>\
    <meta name=\"robots\" content=\"noindex,nofollow\"></head><body><div class=\"main-wrapper\" role=\"main\">\
    <noscript>Enable JavaScript and cookies to continue</noscript></div><script>window._cf_chl_opt = {cvId: '3'};\
    </script><script src=\"https://challenges.cloudflare.com/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1\">\
    </script></body></html>";

/// How a body fails to arrive as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection closes in the middle.
    Off,
    /// Ten pieces, 100 ms apart.
    Slow,
}

/// Marks a response in place of which the server closes the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

/// No answer at all.
pub(crate) fn dropped() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(Dropped);
    response
}

/// Cloudflare's check: 403, a page of HTML and the header that names it.
pub(crate) fn cloudflare() -> Response {
    let mut response = (StatusCode::FORBIDDEN, Html(JUST_A_MOMENT)).into_response();
    response.headers_mut().insert(HeaderName::from_static("cf-mitigated"), HeaderValue::from_static("challenge"));
    response
}

/// A failing gateway: 502 to 504, or one of Cloudflare's 520 to 527, with a page of HTML.
pub(crate) fn gateway(status: u16) -> Response {
    let page = format!(
        "<html>\r\n<head><title>www.warcraftlogs.com | {status}</title></head>\r\n<body>\r\n<center><h1>Error {status}</h1>\
         </center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    );
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), Html(page)).into_response()
}

/// A body of status 200, whole or in one of the broken ways.
pub(crate) fn body(content: impl Into<Bytes>, content_type: &'static str, cut: Option<Cut>) -> Response {
    let bytes: Bytes = content.into();
    let body = match cut {
        None => Body::from(bytes),
        Some(Cut::Off) => {
            let half = bytes.slice(..bytes.len() / 2);
            let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut off on purpose");
            // The pause lets the first half leave before the connection closes.
            let end = stream::once(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(broken)
            });
            Body::from_stream(stream::iter([Ok(half)]).chain(end))
        }
        Some(Cut::Slow) => {
            let piece = bytes.len().div_ceil(10).max(1);
            let pieces: Vec<Bytes> =
                (0..bytes.len()).step_by(piece).map(|at| bytes.slice(at..bytes.len().min(at + piece))).collect();
            Body::from_stream(stream::iter(pieces).then(|piece| async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<_, Infallible>(piece)
            }))
        }
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
}

/// Cuts text in the middle, wherever that is, but on a character.
pub(crate) fn cut_text(text: &mut String) {
    let mut end = text.len() / 2;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
