//! discover on pages that are made to hurt.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use parsebook_simulator::World;
use parsebook_test_support::pipeline::Pipeline;
use parsebook_test_support::process::resident_kb;
use serde_json::json;

/// The largest page that is read.
const SIZE: usize = 2_000_000;

/// Pages of 2 MB, of which a careless parser makes hundreds of megabytes.
fn hostile() -> Vec<String> {
    let numbered = |text: fn(usize) -> String| (0..400_000).map(text).collect::<String>();
    let many = |text: &str| text.repeat(SIZE / text.len());
    let mut pages = vec![
        many("<b>"),
        many("<table class=ranking-table><tr id=a>"),
        format!("<table class=ranking-table>{}", many("<tr id=a><td>x")),
        numbered(|n| format!("<b a{n}><p>")),
        format!("<x {}", numbered(|n| format!("a{n} "))),
    ];
    for page in &mut pages {
        page.truncate(SIZE - 100);
        page.push_str("</table>");
    }
    pages
}

fn answer(mut stream: TcpStream, pages: &[String]) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?).lines();
    let first = request.next().transpose()?.unwrap_or_default();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let number = first.rsplit("page=").next().and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    let page = &pages[number.unwrap_or_default() % pages.len()];
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}", page.len())
}

#[tokio::test]
async fn five_readers_of_hostile_pages_need_little_memory() {
    let Some(mut pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    pipeline.set("WCL_URL", &format!("http://{}", listener.local_addr().unwrap()));
    pipeline.set("PAGES_PER_THREAD", "6");
    std::thread::spawn(move || {
        let pages = std::sync::Arc::new(hostile());
        for stream in listener.incoming().flatten() {
            let pages = pages.clone();
            std::thread::spawn(move || answer(stream, &pages));
        }
    });
    let discover = pipeline.function("discover").await.unwrap();
    let event = json!({ "raid": 31, "difficulty": 4, "startPage": 1, "endPage": 30, "partition": 1 });
    let outcome = discover.invoke(event).await.unwrap();
    assert!(outcome.is_err(), "pages like these are a broken source: {outcome:?}");
    let peak = resident_kb(discover.id()).unwrap().1;
    assert!(peak < 64 * 1024, "{peak} kB");
}
