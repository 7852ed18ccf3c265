//! Answers that are not what they say, refusals, both limiters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use parsebook_core::ports::{ApiError, Clock, KeyPool, RankSource, ReportLists, ReportRanks, Zones};
use parsebook_core::report::Window;

use super::server::{SECRET, TOKEN};
use super::*;

const ROGUE: u8 = 8;

fn good(query: &str) -> Answer {
    if query.contains("characterData") {
        characters(query, |_| character(ROGUE, &[("z44d4", rankings("dps", "Outlaw"))]))
    } else {
        Answer::json(&json!({"data": {"rateLimitData": points(10.0)}}))
    }
}

#[tokio::test]
async fn what_stands_around_the_json_does_no_harm() {
    for around in ["\u{feff}", "<html><style>b { color: red }</style>Maintenance tonight</html>", "Warning: slow\n"] {
        let server = Server::start(move |query, _| {
            let answer = good(query);
            Answer::text(200, format!("{around}{}", answer.body))
        })
        .await;
        let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
        assert!(ranked.stopped.is_none(), "{around:?}: {:?}", ranked.stopped);
        assert_eq!((ranked.outcomes.len(), server.asked().len(), ranked.points_spent), (5, 1, 30.0), "{around:?}");
    }
}

#[tokio::test]
async fn an_api_that_answers_nothing_usable_is_not_paid_player_by_player() {
    let server = Server::start(|_, _| Answer::text(200, "(>_<)")).await;
    let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
    assert!(ranked.outcomes.is_empty(), "{:?}", ranked.outcomes);
    assert!(ranked.stopped.unwrap().to_string().contains("not JSON"));
    assert_eq!(server.asked().len(), 6, "the question, and five times one for points");

    let server = Server::start(|query, _| match query.contains("characterData") {
        true => Answer::json(&json!({"errors": [{"message": "Cannot query field \"hidden\""}]})),
        false => good(query),
    })
    .await;
    let ranked = server.api().rank("main", &wanted(1..=25, None)).await;
    assert!(ranked.outcomes.is_empty(), "{:?}", ranked.outcomes);
    assert!(ranked.stopped.unwrap().to_string().contains("Cannot query field"));
    assert_eq!(server.asked().len(), 4, "all, points, the first, the last");
}

#[tokio::test]
async fn a_failing_gateway_is_no_refusal() {
    for status in [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527] {
        let server = Server::start(move |query, before| match before {
            0..3 => Answer::text(status, "<html><title>Bad gateway</title></html>"),
            _ => good(query),
        })
        .await;
        let begun = server.clock.now();
        let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
        assert!(ranked.stopped.is_none(), "{status}: {:?}", ranked.stopped);
        assert_eq!((ranked.outcomes.len(), server.asked().len()), (5, 4), "{status}");
        assert!(server.clock.now() - begun >= TimeDelta::seconds(7), "{status}: the waits grow");

        let server = Server::start(move |_, _| Answer::text(status, "<html><title>Bad gateway</title></html>")).await;
        let begun = server.clock.now();
        let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
        assert!(matches!(ranked.stopped, Some(ApiError::Failed(_))), "{status}: {:?}", ranked.stopped);
        assert!(ranked.outcomes.is_empty(), "{status}");
        assert!(server.clock.now() - begun < TimeDelta::seconds(90), "{status}: within the time of a caller");
    }
}

#[tokio::test]
async fn a_refusal_is_told_at_once() {
    let challenge = "<html>Just a moment</html>";
    for (status, body) in [(403, "{}"), (200, challenge), (503, challenge), (200, "<html>hello</html>")] {
        let server = Server::start(move |_, _| Answer::text(status, body)).await;
        let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
        assert!(matches!(ranked.stopped, Some(ApiError::Refused(_))), "{status}: {:?}", ranked.stopped);
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_429_is_believed_for_a_minute() {
    let in_head = || Answer { head: "retry-after: 1036\r\n".to_owned(), ..Answer::text(429, "{}") };
    let in_body = || Answer::json(&json!({"status": 429, "error": "Too many requests"}));
    let bare = || Answer::text(429, "<html>Too Many Requests</html>");
    for limited in [in_head, in_body, bare] {
        let server = Server::start(move |query, before| match before {
            0 => good(query),
            1 => limited(),
            _ => good(query),
        })
        .await;
        let api = server.api();
        assert_eq!(api.points().await.unwrap()[0].remaining, 3589.0);
        let ranked = api.rank("main", &wanted([1], None)).await;
        let Some(ApiError::PointsExhausted { resets_at }) = ranked.stopped else { panic!("{:?}", ranked.stopped) };
        assert!(resets_at - server.clock.now() <= TimeDelta::minutes(1));
        let keys = api.points().await.unwrap();
        assert_eq!((keys[0].remaining, keys[0].limit_per_hour), (0.0, 3600.0));
        assert_eq!(server.asked().len(), 2, "not asked within the minute");
        server.clock.advance(std::time::Duration::from_secs(60));
        assert_eq!(api.points().await.unwrap()[0].remaining, 3589.0);
        assert_eq!(server.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_token_is_found_whatever_stands_around_it() {
    let granted = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": TOKEN});
    for around in ["\u{feff}", "<html><style>b { color: red }</style>Maintenance tonight</html>\n", "Slow today. "] {
        let body = format!("{around}{granted}");
        let server = Server::with_tokens(move || Answer::text(200, body.as_str()), |query, _| good(query)).await;
        assert_eq!(server.api().points().await.unwrap()[0].remaining, 3589.0, "{around}");
    }
}

#[tokio::test]
async fn what_the_token_endpoint_tells_of_itself_counts() {
    let told = |status: u16| move || Answer::json(&json!({"status": status, "error": "not now"}));
    let limited = Server::with_tokens(told(429), |query, _| good(query)).await;
    let ranked = limited.api().rank("main", &wanted([1], None)).await;
    let Some(ApiError::PointsExhausted { resets_at }) = ranked.stopped else { panic!("{:?}", ranked.stopped) };
    assert!(resets_at - limited.clock.now() <= TimeDelta::minutes(1));
    let down = Server::with_tokens(told(503), |query, _| good(query)).await;
    let begun = down.clock.now();
    let stopped = down.api().rank("main", &wanted([1], None)).await.stopped.unwrap();
    assert!(matches!(&stopped, ApiError::Failed(error) if format!("{error:#}").contains("503")), "{stopped:?}");
    assert!(down.clock.now() - begun >= TimeDelta::seconds(7), "asked again, and the waits grow");
    for server in [limited, down] {
        assert!(server.asked().is_empty(), "nothing is asked without a token");
    }
}

#[tokio::test]
async fn a_burst_is_waited_for_but_not_for_ever() {
    let burst = || Answer { head: "retry-after: 20\r\n".to_owned(), ..Answer::text(429, "{}") };
    let server = Server::start(move |query, before| if before < 2 { burst() } else { good(query) }).await;
    let ranked = server.api().rank("main", &wanted([1], None)).await;
    assert_eq!((ranked.stopped.is_none(), server.asked().len()), (true, 3));
    let server = Server::start(move |_, _| burst()).await;
    let begun = server.clock.now();
    let ranked = server.api().rank("main", &wanted([1], None)).await;
    assert!(matches!(ranked.stopped, Some(ApiError::PointsExhausted { .. })), "{:?}", ranked.stopped);
    assert!(server.clock.now() - begun < TimeDelta::minutes(2));
}

#[tokio::test]
async fn a_zone_is_read_and_one_that_is_not_there_is_none() {
    let server = Server::start(|query, _| match query {
        query if query.contains("zone(id: 44)") => Answer::json(&json!({"data": {"worldData": {"zone": {
            "id": 44, "name": "Omega", "encounters": [{"id": 3129, "name": "B"}], "partitions": [{"id": 1, "default": true}],
        }}}})),
        query if query.contains("zone(") => Answer::json(&json!({"data": {"worldData": {"zone": null}}})),
        query => good(query),
    })
    .await;
    let api = server.api();
    assert_eq!(api.zone(44).await.unwrap().unwrap().partition, Some(1));
    assert_eq!(api.zone(9999).await.unwrap(), None);
}

/// The texts in which a server may repeat a login.
fn echoes() -> Vec<String> {
    let basic = STANDARD.encode(format!("id:{SECRET}"));
    [SECRET, &SECRET[7..12], &basic, TOKEN, &TOKEN[3..8]].map(|said| format!("bad login {said}")).to_vec()
}

fn repeats_login(text: &str) -> bool {
    let pieces = |secret: &str| (0..secret.len() - 4).any(|at| text.contains(&secret[at..at + 5]));
    pieces(SECRET) || pieces(TOKEN) || text.contains("OmhzZW") || text.contains("aHVzaD")
}

#[tokio::test]
async fn a_server_that_repeats_the_login_is_not_quoted() {
    for said in echoes() {
        let answers: [fn(&str, &str) -> Answer; 5] = [
            |_, said| Answer::text(500, said),
            |_, said| Answer::text(200, said),
            |_, said| Answer::json(&json!({"error": said})),
            |_, said| Answer::json(&json!({"errors": [{"message": said}]})),
            |query, said| match query {
                query if query.contains("characterData") => {
                    characters(query, |_| character(ROGUE, &[("z44d4", json!({"error": said}))]))
                }
                query if query.contains("reports(") => Answer::json(&json!({"data": {
                    "rateLimitData": points(10.0),
                    "reportData": {"reports": {"has_more_pages": false, "data": [
                        {"code": "aB1", "revision": said},
                        {"code": "aB2", "visibility": "private"},
                    ]}},
                }})),
                query => good(query),
            },
        ];
        for answer in answers {
            let echo = said.clone();
            let server = Server::start(move |query, _| answer(query, &echo)).await;
            let api = server.api();
            let told = [
                format!("{:?}", api.rank("main", &wanted(1..=2, None)).await),
                format!("{:?}", api.points().await),
                format!("{:?}", api.zone(44).await),
                format!(
                    "{:?}",
                    api.list(&Window { raid: 44, from: server.clock.now(), to: server.clock.now() }, 1).await
                ),
                format!("{:?}", api.details(&["aB1".to_owned()]).await),
                format!("{:?}", api.rank_reports("main", &whole(&["aB1"])).await),
            ];
            for told in &told {
                assert!(!repeats_login(told), "{said}: {told}");
            }
            assert!(told.concat().contains("not repeated"), "{said}: {told:?}");
        }
        let refusing = said.clone();
        let server = Server::with_tokens(move || Answer::text(401, refusing.as_str()), |query, _| good(query)).await;
        let told = format!("{:?}", server.api().points().await);
        assert!(!told.contains(&SECRET[7..12]) && told.contains("HTTP 401"), "{said}: {told}");
    }
}
