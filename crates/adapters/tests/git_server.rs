//! Publishing to git's own server over http: what is sent, to whom, and what is never lost.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parsebook_adapters::addon_repo::{History, RemoteConfig, RemoteRepo};
use parsebook_core::ports::{AddonRepo, PublishError, Published};
use parsebook_test_support::git::{Asked, GitServer, git};
use tempfile::TempDir;

const TOKEN: &str = "github_pat_11QZX7Kq2vRw9JmTn4bLc8";
const HISTORIES: [History; 2] = [History::Append, History::Replace];

/// A publisher with a folder of its own: as after every start of the program, nothing is fetched yet.
struct Publisher {
    _folder: TempDir,
    repo: RemoteRepo,
}

impl Publisher {
    fn new(url: &str, history: History) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = RemoteConfig { url: url.to_owned(), branch: "main".into(), token: Some(TOKEN.into()), history };
        let repo = RemoteRepo::open(folder.path(), config).unwrap();
        Self { _folder: folder, repo }
    }

    async fn publish(&mut self, region: &str, content: &str) -> Result<Published, PublishError> {
        let files = vec![(format!("{region}/data.lua"), content.as_bytes().to_vec())];
        self.repo.stage(region, files).await.unwrap();
        self.repo.publish("ranks").await
    }
}

fn nothing(_: &Asked) -> Option<Response> {
    None
}

fn is_push(asked: &Asked) -> bool {
    asked.target.ends_with("/git-receive-pack")
}

fn asks_to_push(asked: &Asked) -> bool {
    asked.target.ends_with("info/refs?service=git-receive-pack")
}

/// Everything somebody reads of an error.
fn told(error: PublishError) -> String {
    let debug = format!("{error:?}");
    format!("{debug} {:#}", anyhow!(error))
}

fn assert_no_piece(text: &str) {
    let (secret, text) = (TOKEN.strip_prefix("github_pat_").unwrap().to_lowercase(), text.to_lowercase());
    for start in 0..=secret.len() - 5 {
        assert!(!text.contains(&secret[start..start + 5]), "{text}");
    }
}

/// Lines of which each is hard to pack, as the database's are.
fn lines(count: u64, changed: impl Fn(u64) -> bool) -> String {
    let line = |number: u64| {
        let mut dice = number * 2 + 1 + u64::from(changed(number)) * 1_000_003;
        let mut letter = || {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            char::from(b'!' + (dice % 90) as u8)
        };
        (0..50).map(|_| letter()).chain(['\n']).collect::<String>()
    };
    (1..=count).map(line).collect()
}

/// Somebody who keeps files of his own beside what is published.
fn commit_by_hand(server: &GitServer) {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| git(folder.path(), arguments).unwrap();
    run(&["init", "--quiet", "--initial-branch=main"]);
    std::fs::create_dir_all(folder.path().join(".github/workflows")).unwrap();
    for path in ["README.md", "LICENSE", ".github/workflows/release.yml", "Media/logo.tga", "release.sh"] {
        std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(path), format!("{path}, by hand\r\n")).unwrap();
    }
    std::os::unix::fs::symlink("README.md", folder.path().join("Read me")).unwrap();
    run(&["add", "--all"]);
    run(&["update-index", "--chmod=+x", "release.sh"]);
    run(&["commit", "--quiet", "--message=by hand"]);
    run(&["push", "--quiet", server.repository().to_str().unwrap(), "main"]);
}

/// Mode, id and path of every file that is not published.
fn kept(server: &GitServer) -> Vec<String> {
    let files = server.git(&["ls-tree", "-r", "main"]).unwrap();
    files.lines().filter(|line| !line.ends_with("/data.lua")).map(str::to_owned).collect()
}

/// Somebody else's commit on the server, with a file of theirs beside ours.
fn push_of_somebody_else(server_folder: &std::path::Path, name: &str) {
    let run = |arguments: &[&str]| git(server_folder, arguments);
    let parent = run(&["rev-parse", "--verify", "--quiet", "main"]).ok();
    let file = server_folder.join("theirs.txt");
    std::fs::write(&file, name).unwrap();
    let blob = run(&["hash-object", "-w", file.to_str().unwrap()]).unwrap();
    let old = parent.as_ref().map(|_| run(&["ls-tree", "main"]).unwrap()).unwrap_or_default();
    let index = server_folder.join("theirs.index");
    let tree = {
        let with_index = |arguments: &[&str]| {
            let done = std::process::Command::new("git")
                .args(arguments)
                .current_dir(server_folder)
                .env("GIT_INDEX_FILE", &index)
                .output()
                .unwrap();
            assert!(done.status.success(), "{arguments:?}");
            String::from_utf8(done.stdout).unwrap().trim().to_owned()
        };
        if !old.is_empty() {
            with_index(&["read-tree", "main"]);
        }
        with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{name}")]);
        with_index(&["write-tree"])
    };
    std::fs::remove_file(index).unwrap();
    let mut arguments = vec!["commit-tree", &tree, "-m", "theirs"];
    arguments.extend(parent.iter().flat_map(|parent| ["-p", parent]));
    let commit = run(&arguments).unwrap();
    run(&["update-ref", "refs/heads/main", &commit]).unwrap();
}

#[tokio::test]
async fn a_refresh_sends_what_changed_and_keeps_what_others_wrote() {
    for history in HISTORIES {
        let server = GitServer::start(nothing).await.unwrap();
        commit_by_hand(&server);
        let by_hand = kept(&server);
        assert_eq!(by_hand.len(), 6);
        let before = lines(10_000, |_| false);
        Publisher::new(&server.url(), history).publish("EU", &before).await.unwrap();
        let whole = server.asked().iter().filter(|asked| is_push(asked)).map(|asked| asked.body.len()).max().unwrap();
        assert!(whole > 350_000, "{whole}");

        let after = lines(10_000, |number| number % 100 == 7);
        let published = Publisher::new(&server.url(), history).publish("EU", &after).await.unwrap();
        let sent = server.asked().iter().rfind(|asked| is_push(asked)).unwrap().body.len();
        assert!(sent < 100 * 60, "{sent} bytes for 100 lines of 51");
        let head = server.git(&["rev-parse", "main"]).unwrap();
        assert_eq!(published, Published::Commit(head));
        assert_eq!(server.git(&["show", "main:EU/data.lua"]).unwrap(), after.trim());
        assert_eq!(kept(&server), by_hand, "{history:?}");
        server.git(&["fsck", "--strict", "--full"]).unwrap();
        let commits = server.git(&["rev-list", "--count", "main"]).unwrap();
        assert_eq!(commits, if history == History::Append { "3" } else { "1" });
        assert_eq!(Publisher::new(&server.url(), history).publish("EU", &after).await.unwrap(), Published::Unchanged);
    }
}

#[tokio::test]
async fn a_push_in_between_is_never_overwritten() {
    // Somebody pushes between our fetch and our question, between our question and our push, or first of all.
    for history in HISTORIES {
        for (moment, begun) in [(asks_to_push as fn(&Asked) -> bool, true), (is_push, true), (is_push, false)] {
            let folder = Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
            let (there, is_done) = (Arc::clone(&folder), AtomicBool::new(false));
            let server = GitServer::start(move |asked: &Asked| {
                if let Some(folder) = there.get()
                    && moment(asked)
                    && !is_done.swap(true, Ordering::SeqCst)
                {
                    push_of_somebody_else(folder, "notes.txt");
                }
                None
            })
            .await
            .unwrap();
            if begun {
                Publisher::new(&server.url(), history).publish("EU", "1").await.unwrap();
            }
            folder.set(server.repository()).unwrap();
            let published = Publisher::new(&server.url(), history).publish("EU", "2").await.unwrap();
            assert_eq!(published, Published::Commit(server.git(&["rev-parse", "main"]).unwrap()));
            assert_eq!(server.git(&["show", "main:notes.txt"]).unwrap(), "notes.txt", "{history:?}");
            assert_eq!(server.git(&["show", "main:EU/data.lua"]).unwrap(), "2");
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_server_gets_neither_login_nor_data() {
    for status in [301, 302, 303, 307, 308] {
        for at in ["info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack", "/git-receive-pack"] {
            let other = GitServer::start(|_| Some(wants_login())).await.unwrap();
            let target = other.origin();
            let server = GitServer::start(move |asked: &Asked| {
                let moved = format!("{target}{}", asked.target);
                asked.target.ends_with(at).then(|| redirect(status, &moved))
            })
            .await
            .unwrap();
            let error = told(Publisher::new(&server.url(), History::Replace).publish("EU", "1").await.unwrap_err());
            assert!(error.contains(&server.origin()) && error.contains(&other.origin()), "{status} {at}: {error}");
            assert_eq!(other.asked().len(), 0, "{status} {at}");
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_port_scheme_or_name_of_the_same_machine_is_one_to_another_server() {
    for target in ["https://127.0.0.1:1/addon.git", "http://localhost:1/addon.git", "//127.0.0.1:1/addon.git"] {
        let server = GitServer::start(move |asked: &Asked| {
            let moved = format!("{target}/info/refs?{}", asked.target.split_once('?')?.1);
            Some(redirect(302, &moved))
        })
        .await
        .unwrap();
        let error = told(Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err());
        assert!(error.contains("redirects to http"), "{error}");
        assert!(server.asked().iter().all(|asked| asked.authorization.is_none()));
    }
}

#[tokio::test]
async fn a_repository_that_moved_at_its_server_is_followed_and_a_circle_is_not() {
    let server = GitServer::start(|asked: &Asked| {
        let rest = asked.target.strip_prefix("/old.git/")?;
        Some(redirect(301, &format!("/addon.git/{rest}")))
    })
    .await
    .unwrap();
    let old = format!("{}/old.git", server.origin());
    Publisher::new(&old, History::Append).publish("EU", "1").await.unwrap();
    assert_eq!(server.git(&["show", "main:EU/data.lua"]).unwrap(), "1");

    for (target, words) in [("/a.git/info/refs", "circle"), ("/login", "no git repository"), ("http://[", "no address")]
    {
        let server = GitServer::start(move |_| Some(redirect(302, target))).await.unwrap();
        let error = told(Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err());
        assert!(error.contains(words) && server.asked().len() < 6, "{error}");
    }
}

#[tokio::test]
async fn a_login_that_may_not_write_is_told_as_what_it_is() {
    for (at, status, words) in [
        (asks_to_push as fn(&Asked) -> bool, 403, "lacks the permission to write"),
        (is_push, 403, "lacks the permission to write"),
        (asks_to_push, 401, "does not accept GIT_TOKEN"),
        (is_push, 401, "does not accept GIT_TOKEN"),
        (asks_to_push, 404, "GIT_TOKEN is not for it"),
    ] {
        let server = GitServer::start(move |asked: &Asked| at(asked).then(|| answer(status))).await.unwrap();
        let mut publisher = Publisher::new(&server.url(), History::Append);
        let error = publisher.publish("EU", "1").await.unwrap_err();
        assert!(matches!(error, PublishError::PushRejected(_)), "{status}: {error}");
        let error = told(error);
        assert!(error.contains(words) && error.contains("GIT_TOKEN"), "{error}");
        let check = publisher.repo.check_push().await;
        assert!(!check.may_push && check.reason.unwrap().contains(words));
    }
}

#[tokio::test]
async fn a_limit_or_a_failing_server_is_no_missing_permission() {
    let limited = || {
        let mut response = answer(403);
        response.headers_mut().insert("Retry-After", "60".parse().unwrap());
        response
    };
    let refused: [fn() -> Response; 3] = [|| answer(429), || answer(502), || answer(413)];
    let server = GitServer::start(move |asked: &Asked| asks_to_push(asked).then(limited)).await.unwrap();
    let error = Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err();
    assert!(matches!(&error, PublishError::Failed(_)) && told(error).contains("asks to wait"));
    for make in refused {
        let server = GitServer::start(move |asked: &Asked| is_push(asked).then(make)).await.unwrap();
        let error = Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err();
        assert!(matches!(error, PublishError::Failed(_)), "{error}");
    }
    // Reading refused: an error that says so.
    let server = GitServer::start(|_| Some(answer(403))).await.unwrap();
    let error = told(Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err());
    assert!(error.contains("lacks the permission to read") && error.contains("GIT_REPOSITORY_URL"), "{error}");
}

#[tokio::test]
async fn the_login_is_sent_when_asked_for_and_only_then() {
    let server = GitServer::start(|asked: &Asked| asked.authorization.is_none().then(wants_login)).await.unwrap();
    Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap();
    assert_eq!(server.asked().iter().filter(|asked| asked.authorization.is_none()).count(), 1);
    let open = GitServer::start(nothing).await.unwrap();
    Publisher::new(&open.url(), History::Append).publish("EU", "1").await.unwrap();
    assert!(open.asked().iter().all(|asked| asked.authorization.is_none()));
    // A server that asks for a login only at the push itself.
    let late = GitServer::start(|asked: &Asked| (is_push(asked) && asked.authorization.is_none()).then(wants_login))
        .await
        .unwrap();
    Publisher::new(&late.url(), History::Append).publish("EU", "1").await.unwrap();
    assert_eq!(late.git(&["show", "main:EU/data.lua"]).unwrap(), "1");
    // Servers that hide from strangers.
    for status in [403, 404] {
        let hidden = GitServer::start(move |asked: &Asked| asked.authorization.is_none().then(|| answer(status)));
        let hidden = hidden.await.unwrap();
        Publisher::new(&hidden.url(), History::Append).publish("EU", "1").await.unwrap();
    }
}

#[tokio::test]
async fn no_piece_of_the_token_is_told_whatever_the_server_says() {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let secret = TOKEN.strip_prefix("github_pat_").unwrap();
    let echoed = format!("# service=git-upload-pack\n{secret}");
    for body in [line(&format!("ERR no {TOKEN}")), line(&format!("ERR {}", &secret[7..12])), line(&echoed)] {
        let server = GitServer::start(move |_| Some(body.clone().into_response())).await.unwrap();
        let error = told(Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err());
        assert_no_piece(&error);
    }
    for to in [format!("http://{}.example/", secret.to_lowercase()), format!("http://{TOKEN}@127.0.0.1:1/info/refs")] {
        let server = GitServer::start(move |_| Some(redirect(302, &to))).await.unwrap();
        let error = told(Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err());
        assert_no_piece(&error);
    }
    // A hook that repeats it.
    let server = GitServer::start(nothing).await.unwrap();
    let hook = server.repository().join("hooks/pre-receive");
    std::fs::write(&hook, format!("#!/bin/sh\necho 'bad login {TOKEN}' >&2\nexit 1\n")).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = Publisher::new(&server.url(), History::Append).publish("EU", "1").await.unwrap_err();
    assert!(matches!(error, PublishError::PushRejected(_)), "{error}");
    assert_no_piece(&told(error));
}

#[test]
fn no_part_of_an_address_is_repeated_that_may_be_a_login() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "https://me:hush!@git.example/addon.git",
        "https://me:hu?sh!@git.example/addon.git",
        "https://me:hu/sh!@git.example/addon.git",
        "https://hush!@git.example/addon.git",
        "https://hush!#x@git.example/addon.git",
        "https://git.example/addon.git?private_token=hush!",
        "HTTPS://me:hush!@git.example/addon.git",
        "https:hush!@git.example/addon.git",
        "https://[hush!]/addon.git",
        "http://",
        "ssh://git:hush!@git.example/addon.git",
        "git@git.example:hush!/addon.git",
        "ftp://hush!@git.example",
    ] {
        let config = RemoteConfig { url: url.into(), branch: "main".into(), token: None, history: History::Append };
        let error = format!("{:?}", RemoteRepo::open(folder.path(), config).unwrap_err());
        assert!(error.contains("GIT_REPOSITORY_URL") && !error.contains("hu") && !error.contains("sh!"), "{error}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_told_with_its_words() {
    let server = GitServer::start(nothing).await.unwrap();
    let mut publisher = Publisher::new(&server.url(), History::Replace);
    publisher.publish("EU", "1").await.unwrap();
    server.git(&["config", "receive.denyNonFastForwards", "true"]).unwrap();
    let error = publisher.publish("EU", "2").await.unwrap_err();
    assert!(matches!(&error, PublishError::PushRejected(_)), "{error}");
    assert!(told(error).contains("GIT_HISTORY"));

    let hook = server.repository().join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\necho 'main is frozen until Monday' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = Publisher::new(&server.url(), History::Append).publish("EU", "2").await.unwrap_err();
    assert!(matches!(&error, PublishError::PushRejected(reason) if reason.contains("frozen until Monday")), "{error}");
    assert_eq!(server.git(&["show", "main:EU/data.lua"]).unwrap(), "1");
}

#[tokio::test]
async fn asking_whether_a_push_is_taken_changes_nothing() {
    let server = GitServer::start(|asked: &Asked| asked.authorization.is_none().then(wants_login)).await.unwrap();
    let mut publisher = Publisher::new(&server.url(), History::Append);
    let check = publisher.repo.check_push().await;
    assert_eq!((check.server.as_str(), check.branch_exists), (server.origin().as_str(), Some(false)));
    assert!(check.may_push && check.reason.is_none(), "{check:?}");
    assert_eq!(server.git(&["for-each-ref"]).unwrap(), "");
    publisher.publish("EU", "1").await.unwrap();
    let refs = server.git(&["for-each-ref"]).unwrap();
    assert_eq!(publisher.repo.check_push().await.branch_exists, Some(true));
    assert_eq!(server.git(&["for-each-ref"]).unwrap(), refs);

    let nowhere = Publisher::new("http://127.0.0.1:1/addon.git", History::Append).repo.check_push().await;
    assert!(!nowhere.may_push && nowhere.reason.unwrap().contains("GIT_REPOSITORY_URL"));
    let page = GitServer::start(|_| Some("<html>Sign in</html>".into_response())).await.unwrap();
    let check = Publisher::new(&page.url(), History::Append).repo.check_push().await;
    assert!(!check.may_push, "{check:?}");
}

fn answer(status: u16) -> Response {
    StatusCode::from_u16(status).unwrap().into_response()
}

fn wants_login() -> Response {
    let mut response = answer(401);
    response.headers_mut().insert("WWW-Authenticate", "Basic realm=\"git\"".parse().unwrap());
    response
}

fn redirect(status: u16, target: &str) -> Response {
    let mut response = answer(status);
    response.headers_mut().insert("Location", target.parse().unwrap());
    response
}
