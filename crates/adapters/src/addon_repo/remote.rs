//! An addon repository on a git server.

use std::path::Path;

use anyhow::{Context, anyhow};
use git2::{
    Cred, CredentialType, Direction, ErrorCode, FetchOptions, Oid, PushOptions, Remote, RemoteCallbacks, Repository,
};
use parsebook_core::ports::{AddonRepo, PublishError, Published};
use secrecy::{ExposeSecret, SecretString};

use super::{Staged, signature};
use crate::text::excerpt;

/// `GIT_HISTORY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// A commit on top of the branch.
    #[default]
    Append,
    /// A commit without parents, forced: the repository never grows.
    Replace,
}

impl std::str::FromStr for History {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "append" => Ok(Self::Append),
            "replace" => Ok(Self::Replace),
            other => Err(anyhow!("{other:?} is neither append nor replace")),
        }
    }
}

/// Where to publish.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// `GIT_REPOSITORY_URL`.
    pub url: String,
    /// `GIT_BRANCH`.
    pub branch: String,
    /// `GIT_TOKEN`: sent as the password of `x-access-token`.
    pub token: Option<SecretString>,
    /// `GIT_HISTORY`.
    pub history: History,
}

/// How often a publication that loses the race is rebuilt on the new tip.
const TRIES: u32 = 4;

/// Where the fetched branch is kept.
const TIP: &str = "refs/parsebook/tip";

/// A bare repository in a folder of its own, and the server it is pushed to.
pub struct RemoteRepo {
    repository: Repository,
    config: RemoteConfig,
    staged: Staged,
}

impl std::fmt::Debug for RemoteRepo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteRepo({}, {})", self.repository.path().display(), self.config.branch)
    }
}

impl RemoteRepo {
    /// Prepares a bare repository in `scratch`, which may hold one of an earlier run. Nothing is fetched yet.
    ///
    /// # Errors
    /// When `scratch` cannot be written or the branch is no branch name.
    pub fn open(scratch: &Path, config: RemoteConfig) -> anyhow::Result<Self> {
        let reference = format!("refs/heads/{}", config.branch);
        anyhow::ensure!(git2::Reference::is_valid_name(&reference), "GIT_BRANCH {:?} is no branch name", config.branch);
        let repository = Repository::init_bare(scratch)
            .with_context(|| format!("making a bare repository in {}", scratch.display()))?;
        Ok(Self { repository, config, staged: Staged::default() })
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        let mut asked = 0;
        callbacks.credentials(move |_, _, allowed| {
            // Asked again means refused: without this, libgit2 asks for ever.
            asked += 1;
            match &self.config.token {
                Some(token) if asked == 1 && allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                    Cred::userpass_plaintext("x-access-token", token.expose_secret())
                }
                Some(_) => Err(git2::Error::from_str("GIT_TOKEN is not accepted")),
                None => Err(git2::Error::from_str("the server wants a login and GIT_TOKEN is not set")),
            }
        });
        callbacks
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.config.branch)
    }

    /// The branch's newest commit, fetched; `None` where the branch does not exist yet.
    fn fetch_tip(&self) -> anyhow::Result<Option<Oid>> {
        let mut remote = self.remote()?;
        let connection = remote.connect_auth(Direction::Fetch, Some(self.callbacks()), None)?;
        let reference = self.reference();
        let exists = connection.list()?.iter().any(|head| head.name() == reference);
        drop(connection);
        if !exists {
            return Ok(None);
        }
        let mut options = FetchOptions::new();
        options.remote_callbacks(self.callbacks());
        if self.is_shallow_able() {
            options.depth(1);
        }
        remote.fetch(&[format!("+{reference}:{TIP}")], Some(&mut options), None)?;
        // The branch may have moved between the list and the fetch: what was fetched counts.
        Ok(Some(self.repository.refname_to_id(TIP)?))
    }

    /// libgit2 refuses a shallow fetch from a folder.
    fn is_shallow_able(&self) -> bool {
        ["http://", "https://"].iter().any(|scheme| self.config.url.starts_with(scheme))
    }

    fn remote(&self) -> anyhow::Result<Remote<'_>> {
        Ok(self.repository.remote_anonymous(&self.config.url)?)
    }

    fn publish_once(&self, message: &str) -> Result<Published, Lost> {
        let tip = self.fetch_tip().context("fetching the addon repository (GIT_REPOSITORY_URL)")?;
        let repository = &self.repository;
        let parent = tip.map(|tip| repository.find_commit(tip)).transpose()?;
        let base = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let tree = repository.find_tree(self.staged.tree(repository, base.as_ref())?)?;
        if base.is_some_and(|base| base.id() == tree.id()) {
            return Ok(Published::Unchanged);
        }
        let signature = signature()?;
        let parents: Vec<_> = match self.config.history {
            History::Append => parent.iter().collect(),
            History::Replace => Vec::new(),
        };
        let commit = repository.commit(None, &signature, &signature, message, &tree, &parents)?;
        self.push(commit)?;
        Ok(Published::Commit(commit.to_string()))
    }

    fn push(&self, commit: Oid) -> Result<(), Lost> {
        let force = if self.config.history == History::Replace { "+" } else { "" };
        let local = "refs/parsebook/next";
        self.repository.reference(local, commit, true, "to be pushed")?;
        let mut refused = None;
        let mut callbacks = self.callbacks();
        // A push that a server's hook refuses answers Ok: only this callback tells.
        callbacks.push_update_reference(|_, status| {
            refused = status.map(str::to_owned);
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks);
        let pushed = self.remote()?.push(&[format!("{force}{local}:{}", self.reference())], Some(&mut options));
        drop(options);
        match (pushed, refused) {
            (Err(error), _) if error.code() == ErrorCode::NotFastForward => Err(Lost::Race),
            (Err(error), _) => Err(Lost::Failed(PublishError::Failed(anyhow!(error).context("pushing")))),
            (Ok(()), Some(reason)) if is_race(&reason) => Err(Lost::Race),
            (Ok(()), Some(reason)) => Err(Lost::Failed(PublishError::PushRejected(excerpt(&reason)))),
            (Ok(()), None) => Ok(()),
        }
    }
}

/// A server that saw another push in between says one of these.
fn is_race(reason: &str) -> bool {
    ["non-fast-forward", "fetch first", "failed to update ref", "cannot lock ref", "stale info"]
        .iter()
        .any(|words| reason.contains(words))
}

/// Why one try failed.
enum Lost {
    Race,
    Failed(PublishError),
}

impl From<anyhow::Error> for Lost {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<git2::Error> for Lost {
    fn from(error: git2::Error) -> Self {
        Self::Failed(PublishError::Failed(error.into()))
    }
}

impl AddonRepo for RemoteRepo {
    async fn stage(&mut self, name: &str, files: Vec<(String, Vec<u8>)>) -> Result<(), PublishError> {
        Ok(self.staged.stage(&self.repository, name, files)?)
    }

    async fn publish(&mut self, message: &str) -> Result<Published, PublishError> {
        for attempt in 1..=TRIES {
            match self.publish_once(message) {
                Ok(published) => {
                    self.staged = Staged::default();
                    return Ok(published);
                }
                Err(Lost::Race) => tracing::warn!(attempt, "the addon repository moved on, rebuilding on its new tip"),
                Err(Lost::Failed(error)) => return Err(error),
            }
        }
        Err(PublishError::LostRaces(TRIES))
    }
}

#[cfg(test)]
mod tests {
    use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

    use super::*;

    struct Server {
        folder: tempfile::TempDir,
        bare: Repository,
    }

    impl Server {
        fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let bare = Repository::init_bare(folder.path().join("addon.git")).unwrap();
            Self { folder, bare }
        }

        fn open(&self, scratch: &str, history: History) -> RemoteRepo {
            let url = self.folder.path().join("addon.git").display().to_string();
            let config = RemoteConfig { url, branch: "main".into(), token: None, history };
            RemoteRepo::open(&self.folder.path().join(scratch), config).unwrap()
        }

        /// Paths and content of the branch, and how many commits it has.
        fn main(&self) -> (Vec<(String, String)>, usize) {
            let commit = self.bare.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
            let mut files = Vec::new();
            commit
                .tree()
                .unwrap()
                .walk(TreeWalkMode::PreOrder, |folder, entry| {
                    if entry.kind() == Some(ObjectType::Blob) {
                        let content = self.bare.find_blob(entry.id()).unwrap().content().to_vec();
                        let path = format!("{folder}{}", entry.name().unwrap());
                        files.push((path, String::from_utf8(content).unwrap()));
                    }
                    TreeWalkResult::Ok
                })
                .unwrap();
            let mut walk = self.bare.revwalk().unwrap();
            walk.push(commit.id()).unwrap();
            (files, walk.count())
        }
    }

    async fn publish(repo: &mut RemoteRepo, name: &str, content: &str) -> Published {
        let files = vec![(format!("{name}/data.lua"), content.as_bytes().to_vec())];
        repo.stage(name, files).await.unwrap();
        repo.publish("ranks").await.unwrap()
    }

    fn file(name: &str, content: &str) -> (String, String) {
        (format!("{name}/data.lua"), content.to_owned())
    }

    #[tokio::test]
    async fn appending_builds_on_what_others_pushed_and_the_same_tree_is_no_commit() {
        let server = Server::start();
        let mut ours = server.open("ours", History::Append);
        let mut theirs = server.open("theirs", History::Append);
        assert!(matches!(publish(&mut ours, "EU", "1").await, Published::Commit(_)));
        assert!(matches!(publish(&mut theirs, "US", "2").await, Published::Commit(_)));
        assert!(matches!(publish(&mut ours, "EU", "3").await, Published::Commit(_)));
        assert_eq!(publish(&mut ours, "EU", "3").await, Published::Unchanged);
        assert_eq!(server.main(), (vec![file("EU", "3"), file("US", "2")], 3));
    }

    #[tokio::test]
    async fn replacing_keeps_one_commit_and_the_files_of_others() {
        let server = Server::start();
        publish(&mut server.open("theirs", History::Append), "US", "1").await;
        let mut ours = server.open("ours", History::Replace);
        publish(&mut ours, "EU", "2").await;
        publish(&mut ours, "EU", "3").await;
        assert_eq!(publish(&mut ours, "EU", "3").await, Published::Unchanged);
        assert_eq!(server.main(), (vec![file("EU", "3"), file("US", "1")], 1));
    }

    #[tokio::test]
    async fn a_push_built_on_an_old_tip_is_a_race_not_a_loss() {
        let server = Server::start();
        let mut ours = server.open("ours", History::Append);
        publish(&mut ours, "EU", "1").await;
        let old_tip = ours.fetch_tip().unwrap();
        publish(&mut server.open("theirs", History::Append), "US", "2").await;
        // Built before the other push: what a publication meets that fetched a moment too early.
        let commit = {
            let parent = ours.repository.find_commit(old_tip.unwrap()).unwrap();
            let signature = signature().unwrap();
            let tree = parent.tree().unwrap();
            ours.repository.commit(None, &signature, &signature, "late", &tree, &[&parent]).unwrap()
        };
        assert!(matches!(ours.push(commit), Err(Lost::Race)));
        assert!(matches!(publish(&mut ours, "EU", "3").await, Published::Commit(_)), "rebuilt on the new tip");
        assert_eq!(server.main().0, [file("EU", "3"), file("US", "2")]);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("nowhere.git").display().to_string();
        let config = RemoteConfig { url, branch: "main".into(), token: None, history: History::Append };
        let mut repo = RemoteRepo::open(&folder.path().join("scratch"), config.clone()).unwrap();
        repo.stage("EU", vec![("EU/a".into(), vec![])]).await.unwrap();
        let error = format!("{:#}", anyhow!(repo.publish("x").await.unwrap_err()));
        assert!(error.contains("GIT_REPOSITORY_URL"), "{error}");
        let odd = RemoteConfig { branch: "a..b".into(), ..config };
        assert!(RemoteRepo::open(folder.path(), odd).unwrap_err().to_string().contains("GIT_BRANCH"));
    }

    #[test]
    fn what_servers_say_of_a_race_is_told_from_a_refusal() {
        assert!(is_race("non-fast-forward") && is_race("cannot lock ref 'refs/heads/main'"));
        assert!(!is_race("pre-receive hook declined") && !is_race("protected branch"));
    }
}
