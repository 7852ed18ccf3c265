//! What would make a deployment fail is told first: one line each, with the fix, and nothing secret.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use parsebook_test_support::ministack::Ministack;
use parsebook_test_support::mongod;
use parsebook_test_support::strict::{Strict, Strictness};

use crate::support::{Account, Told, python, template, told_by};

const KEYS: &str = r#"[{"name":"main","clientId":"id","clientSecret":"hush-secret"}]"#;
const TOKEN: &str = "hush-token";
/// Nothing of these may ever be seen.
const SECRETS: [&str; 3] = ["hush", "keeper", "word@"];

fn check(endpoint: &str, parameters: &[&str]) -> Told {
    let mut command = python("preflight.py", endpoint).unwrap();
    told_by(command.args([&template(), "eu-west-1", "parsebook"]).args(parameters))
}

/// Exactly one line, with the fix.
fn assert_one(told: &Told, named: &[&str]) {
    let lines: Vec<&str> = told.errors.lines().collect();
    assert!(!told.succeeded && lines.len() == 1, "{named:?}: {told:?}");
    assert!(lines[0].contains("; fix: "), "{told:?}");
    for name in named {
        assert!(lines[0].contains(name), "{name}: {told:?}");
    }
    for secret in SECRETS {
        assert!(!told.errors.contains(secret) && !told.output.contains(secret), "{told:?}");
    }
}

/// A git server, whose answers are in the repository's name: a status, or `good`, or `page`.
#[derive(Clone, Default)]
struct GitServer(Arc<Mutex<Vec<String>>>);

impl GitServer {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(Self::answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    async fn answer(State(server): State<Self>, uri: Uri, headers: HeaderMap) -> Response {
        let login = headers.get(header::AUTHORIZATION).map(|login| login.to_str().unwrap().to_owned());
        server.0.lock().unwrap().push(format!("{} {}", uri.path(), login.unwrap_or_default()));
        let kind = |kind: &'static str| [(header::CONTENT_TYPE, kind)];
        match uri.path().trim_start_matches('/').split('/').next().unwrap() {
            "good" => (kind("application/x-git-receive-pack-advertisement"), "001f# service").into_response(),
            "page" => (kind("text/html"), "<html>").into_response(),
            "moved" => {
                (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "http://elsewhere.invalid/x")]).into_response()
            }
            status => {
                status.parse::<u16>().ok().and_then(|code| StatusCode::from_u16(code).ok()).unwrap().into_response()
            }
        }
    }
}

struct Setting {
    emulator: Ministack,
    account: Account,
    git: GitServer,
    git_url: String,
    uri: String,
}

/// An account in which everything is right; `None` where a server is missing.
async fn setting() -> Option<Setting> {
    let emulator = Ministack::start().unwrap()?;
    let (uri, _) = mongod::shared().unwrap()?;
    python("preflight.py", "")?;
    let account = Account::at(emulator.url());
    let git = GitServer::default();
    let git_url = git.start().await;
    let setting = Setting { emulator, account, git, git_url, uri };
    setting.mend().await;
    Some(setting)
}

impl Setting {
    async fn mend(&self) {
        for (name, value) in [("mongodb-uri", self.uri.as_str()), ("wcl-api-keys", KEYS), ("git-token", TOKEN)] {
            // A line end behind it, as secret stores add one.
            self.account.put_secret(&format!("/parsebook/{name}"), "SecureString", &format!("{value}\n")).await;
        }
    }

    fn repository(&self, name: &str) -> String {
        format!("GitRepositoryUrl={}/{name}", self.git_url)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_passes_and_tells_who_gets_the_alarms() {
    let Some(setting) = setting().await else { return };
    let told = check(&setting.account.url, &[&setting.repository("good"), "AlarmEmail=you@example.org"]);
    assert!(told.succeeded && told.errors.is_empty(), "{told:?}");
    assert_eq!(told.output, "you@example.org\n");
    let asked = setting.git.0.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("/good/info/refs Basic "), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_secret_is_one_line() {
    let Some(setting) = setting().await else { return };
    let check = || check(&setting.account.url, &[&setting.repository("good")]);
    let cases: [(&str, &str, &str, &[&str]); 9] = [
        ("wcl-api-keys", "String", KEYS, &["/parsebook/wcl-api-keys is a String"]),
        ("wcl-api-keys", "SecureString", "hush", &["is not JSON"]),
        ("wcl-api-keys", "SecureString", r#"[{"name":"a","clientSecret":"hush"}]"#, &["each with name, clientId"]),
        ("wcl-api-keys", "SecureString", "[]", &["is no list of keys"]),
        ("git-token", "SecureString", " \n", &["/parsebook/git-token is empty"]),
        ("git-token", "SecureString", "hush\nhush", &["/parsebook/git-token has a line break"]),
        ("mongodb-uri", "SecureString", "mongodb://keeper:hush?word@host/wcl", &["malformed"]),
        ("mongodb-uri", "SecureString", "mongodb://keeper:hush/word@host/wcl", &["malformed"]),
        (
            "mongodb-uri",
            "SecureString",
            "mongodb://keeper:hush@127.0.0.1:1/",
            &["does not answer within 5 s", "0.0.0.0/0"],
        ),
    ];
    for (name, kind, value, named) in cases {
        setting.account.put_secret(&format!("/parsebook/{name}"), kind, value).await;
        assert_one(&check(), named);
        setting.mend().await;
        if kind == "String" {
            // An overwritten parameter keeps its type.
            let body = serde_json::json!({ "Name": format!("/parsebook/{name}") });
            setting.account.json("ssm", "AmazonSSM.DeleteParameter", body).await;
            assert_one(&check(), &["SSM has no parameter /parsebook/wcl-api-keys in eu-west-1"]);
            setting.mend().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_may_not_push_is_told_as_what_it_is_and_goes_to_no_other_host() {
    let Some(setting) = setting().await else { return };
    for (answer, named) in [
        ("401", "does not know the git token"),
        ("403", "does not let the git token push"),
        ("404", "no such repository"),
        ("500", "answers 500"),
        ("moved", "has moved from 127.0.0.1 to elsewhere.invalid"),
        ("page", "not as a git server"),
    ] {
        assert_one(&check(&setting.account.url, &[&setting.repository(answer)]), &[named]);
    }
    let with_login = setting.repository("good").replace("http://", "http://keeper:hush@");
    assert_one(&check(&setting.account.url, &[&with_login]), &["holds a login"]);
    let without_token = check(&setting.account.url, &[&setting.repository("401"), "GitTokenParameter="]);
    assert_one(&without_token, &["wants a token"]);
    let nowhere = check(&setting.account.url, &["GitRepositoryUrl=https://127.0.0.1:1/x"]);
    assert_one(&nowhere, &["127.0.0.1 is not reached"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_the_place_of_its_name_or_in_an_address_is_not_repeated() {
    let Some(setting) = setting().await else { return };
    let keys = format!("WclApiKeysParameter={KEYS}");
    for given in [
        "GitTokenParameter=hush token",
        "MongoUriParameter=mongodb+srv://keeper:hush@host/",
        keys.as_str(),
        "GitRepositoryUrl=https://me:hush?word@127.0.0.1/a/b.git",
        "GitRepositoryUrl=https://me:hush#word@127.0.0.1/a/b.git",
        "GitRepositoryUrl=https://127.0.0.1:hush/a b",
    ] {
        let told = check(&setting.account.url, &[given]);
        assert!(!told.succeeded && told.errors.contains(given.split('=').next().unwrap()), "{given}: {told:?}");
        assert!(!told.errors.contains("Traceback"), "{told:?}");
        for secret in SECRETS {
            assert!(!format!("{told:?}").contains(secret), "{given}: {told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_too_small_is_told_with_both_ways_out() {
    let Some(setting) = setting().await else { return };
    for (quota, parameter, named) in [
        (10, "ConcurrencyLimit=5", Some(&["can reserve 0 of its 10", "ReserveConcurrency=false", "L-B99A9384"][..])),
        (105, "ConcurrencyLimit=5", Some(&["can reserve 5 of its 105", "needs 6", "ask for 106"])),
        (106, "ConcurrencyLimit=5", None),
        (120, "ConcurrencyLimit=50", Some(&["needs 51"])),
        (10, "ReserveConcurrency=false", None),
        (8, "ReserveConcurrency=false", Some(&["ConcurrencyLimit=3"])),
    ] {
        let strictness = Strictness { concurrency_quota: Some(quota), ..Strictness::off() };
        let strict = Strict::start(&setting.emulator.url(), strictness).unwrap();
        let told = check(&strict.url(), &[&setting.repository("good"), parameter]);
        match named {
            Some(named) => assert_one(&told, named),
            None => assert!(told.succeeded, "{quota} {parameter}: {told:?}"),
        }
    }
}

#[test]
fn what_needs_no_account_is_told_without_one() {
    if python("preflight.py", "").is_none() {
        return;
    }
    let nowhere = "http://127.0.0.1:1";
    for (parameter, named) in [
        ("DiscoverSchedule=rate(5 minute)", &["DiscoverSchedule: rate(5 minute)"][..]),
        ("AggregatorSchedule=cron(0 3 * * ?)", &["AggregatorSchedule: cron(0 3 * * ?)"]),
        ("ConcurrencyLimit=1", &["ConcurrencyLimit: 1 is not between 2 and 1000"]),
        ("ConcurrencyLimit=many", &["ConcurrencyLimit: many is no number"]),
        ("GitHistory=rewrite", &["GitHistory: rewrite is none of append, replace"]),
        ("WclUserAgent=", &["WclUserAgent is empty"]),
        ("Concurrency=5", &["Concurrency: the template has no such parameter"]),
        ("GitBranch=main", &["AWS is not reached"]),
    ] {
        let told = check(nowhere, &[parameter]);
        assert!(!told.succeeded && told.errors.lines().count() == 1, "{told:?}");
        assert!(named.iter().all(|name| told.errors.contains(name)), "{told:?}");
    }
    let mut command = python("preflight.py", nowhere).unwrap();
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let told = told_by(command.args([&template(), "eu-west-1", "parsebook"]));
    assert_one(&told, &["there are no AWS credentials"]);
    let told = told_by(python("preflight.py", nowhere).unwrap().args([&template(), "eu-nowhere-1", "parsebook"]));
    assert_one(&told, &["eu-nowhere-1 is no region"]);
}
