//! An addon repository on a git server.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use git2::{Oid, Repository};
use parsebook_core::ports::{AddonRepo, PublishError, Published};
use secrecy::SecretString;

use super::http::HttpServer;
use super::native::NativeServer;
use super::{Moved, Staged, read_file, signature, thin_pack};

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
            // Not repeated: whatever stands there may be meant for another variable.
            _ => Err(anyhow!("neither append nor replace")),
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

/// What a server says to a push that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushCheck {
    /// The server: scheme, host and port, or the folder.
    pub server: String,
    /// `GIT_BRANCH`.
    pub branch: String,
    /// Whether the branch is there; `None` where the server did not tell. Without it, the first publication makes it.
    pub branch_exists: Option<bool>,
    /// Whether a push is taken.
    pub may_push: bool,
    /// Why not, in one line that names the setting to mend.
    pub reason: Option<String>,
}

/// A bare repository in a folder of its own, and the server it is pushed to.
pub struct RemoteRepo {
    repository: Repository,
    config: RemoteConfig,
    server: Server,
    staged: Staged,
}

enum Server {
    Http(HttpServer),
    Native(NativeServer),
}

impl std::fmt::Debug for RemoteRepo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteRepo({}, {})", self.repository.path().display(), self.config.branch)
    }
}

/// Where a repository is.
fn server(url: &str, token: Option<&SecretString>) -> anyhow::Result<Server> {
    let scheme = url.trim_start().split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_http = scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https"));
    Ok(if is_http { Server::Http(HttpServer::new(url, token)?) } else { Server::Native(NativeServer::new(url)?) })
}

/// Whether an address is one that [`RemoteRepo`] can use; nothing is opened.
///
/// # Errors
/// Says why it is not.
pub fn check_address(url: &str) -> anyhow::Result<()> {
    server(url, None).map(drop)
}

impl RemoteRepo {
    /// Prepares a bare repository in `scratch`, which may hold one of an earlier run. Nothing is fetched yet.
    ///
    /// # Errors
    /// When `scratch` cannot be written, the address is none that can be used or holds a login, or the branch is no
    /// branch name.
    pub fn open(scratch: &Path, config: RemoteConfig) -> anyhow::Result<Self> {
        let reference = format!("refs/heads/{}", config.branch);
        anyhow::ensure!(git2::Reference::is_valid_name(&reference), "GIT_BRANCH is no branch name");
        let server = server(&config.url, config.token.as_ref())?;
        let repository = Repository::init_bare(scratch)
            .with_context(|| format!("making a bare repository in {}", scratch.display()))?;
        Ok(Self { repository, config, server, staged: Staged::default() })
    }

    /// Connects as a publication does, with the login for a push, and changes nothing: not here, not there. A server
    /// may still refuse a push for what is in it (a protected branch, a hook).
    pub async fn check_push(&mut self) -> PushCheck {
        let reference = self.reference();
        let (server, answer) = match &mut self.server {
            Server::Http(server) => (server.name(), server.may_push(&reference).await),
            Server::Native(server) => (server.name().to_owned(), server.may_push(&self.repository, &reference)),
        };
        let (branch_exists, reason) = match answer {
            Ok(branch_exists) => (Some(branch_exists), None),
            Err(PublishError::PushRejected(reason)) => (None, Some(reason)),
            Err(error) => (None, Some(format!("{:#}", anyhow!(error).context("GIT_REPOSITORY_URL")))),
        };
        let may_push = reason.is_none();
        PushCheck { server, branch: self.config.branch.clone(), branch_exists, may_push, reason }
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.config.branch)
    }

    /// The branch's newest commit, fetched; `None` where the branch does not exist yet.
    async fn fetch_tip(&mut self) -> Result<Option<Oid>, PublishError> {
        let reference = self.reference();
        match &mut self.server {
            Server::Native(server) => Ok(server.fetch(&self.repository, &reference)?),
            Server::Http(server) => {
                let Some(tip) = server.tip(&reference).await? else { return Ok(None) };
                // Every commit here came with all its files.
                if self.repository.odb().context("reading what was fetched")?.exists(tip) {
                    return Ok(Some(tip));
                }
                let path = scratch_file(&self.repository, "fetched.pack");
                let mut pack = File::create(&path).context("storing what is fetched")?;
                server.fetch(tip, &mut pack).await?;
                take_in(&self.repository, &path).context("reading what was fetched")?;
                Ok(Some(tip))
            }
        }
    }

    /// The same with the setting that says where it was looked for.
    async fn fetched_tip(&mut self) -> Result<Option<Oid>, PublishError> {
        self.fetch_tip().await.map_err(|error| match error {
            PublishError::Failed(error) => error.context("fetching the addon repository (GIT_REPOSITORY_URL)").into(),
            other => other,
        })
    }

    async fn push(&mut self, tip: Option<Oid>, commit: Oid) -> Result<Moved, PublishError> {
        let reference = self.reference();
        match &mut self.server {
            Server::Native(server) => server.push(&self.repository, &reference, tip, commit),
            Server::Http(server) => {
                let Some(receiver) = server.begin_push(&reference, tip).await? else { return Ok(Moved::Lost) };
                let path = scratch_file(&self.repository, "next.pack");
                let pack = File::create(&path).context("storing what is pushed")?;
                thin_pack::write(&self.repository, commit, tip, receiver.takes_deltas, BufWriter::new(pack))?;
                server.push(&receiver, &reference, tip, commit, &path).await
            }
        }
    }

    /// The commit to publish on top of `tip`, or in its place; `None` where `tip` has the same files.
    fn commit(&self, tip: Option<Oid>, message: &str) -> anyhow::Result<Option<Oid>> {
        let repository = &self.repository;
        let parent = tip.map(|tip| repository.find_commit(tip)).transpose()?;
        let base = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let tree = repository.find_tree(self.staged.tree(repository, base.as_ref())?)?;
        if base.is_some_and(|base| base.id() == tree.id()) {
            return Ok(None);
        }
        let signature = signature()?;
        let parents: Vec<_> = match self.config.history {
            History::Append => parent.iter().collect(),
            History::Replace => Vec::new(),
        };
        Ok(Some(repository.commit(None, &signature, &signature, message, &tree, &parents)?))
    }

    async fn publish_once(&mut self, message: &str) -> Result<Option<Published>, PublishError> {
        let tip = self.fetched_tip().await?;
        let Some(commit) = self.commit(tip, message)? else { return Ok(Some(Published::Unchanged)) };
        let moved = self.push(tip, commit).await?;
        Ok((moved == Moved::Done).then(|| Published::Commit(commit.to_string())))
    }
}

fn scratch_file(repository: &Repository, name: &str) -> PathBuf {
    repository.path().join(name)
}

/// Moves the objects of a pack into the repository.
fn take_in(repository: &Repository, pack: &Path) -> anyhow::Result<()> {
    let odb = repository.odb()?;
    let mut writer = odb.packwriter()?;
    std::io::copy(&mut File::open(pack)?, &mut writer)?;
    writer.commit()?;
    std::fs::remove_file(pack)?;
    Ok(())
}

impl AddonRepo for RemoteRepo {
    async fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let tip = self.fetched_tip().await?;
        let tree = tip.map(|tip| self.repository.find_commit(tip)?.tree()).transpose();
        let tree = tree.map_err(anyhow::Error::from)?;
        Ok(read_file(&self.repository, tree.as_ref(), path)?)
    }

    async fn stage(&mut self, name: &str, files: Vec<(String, Vec<u8>)>) -> Result<(), PublishError> {
        Ok(self.staged.stage(&self.repository, name, files)?)
    }

    async fn publish(&mut self, message: &str) -> Result<Published, PublishError> {
        for attempt in 1..=TRIES {
            if let Some(published) = self.publish_once(message).await? {
                self.staged = Staged::default();
                return Ok(published);
            }
            tracing::warn!(attempt, "the addon repository moved on, rebuilding on its new tip");
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
        assert_eq!(theirs.read("EU/data.lua").await.unwrap().as_deref(), Some(&b"3"[..]), "what others published");
        assert_eq!(theirs.read("EU/none.lua").await.unwrap(), None);
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
        for history in [History::Append, History::Replace] {
            a_push_built_on_an_old_tip(history).await;
        }
    }

    async fn a_push_built_on_an_old_tip(history: History) {
        let server = Server::start();
        let mut ours = server.open("ours", history);
        publish(&mut ours, "EU", "1").await;
        let old_tip = ours.fetch_tip().await.unwrap();
        publish(&mut server.open("theirs", History::Append), "US", "2").await;
        // Built before the other push: what a publication meets that fetched a moment too early.
        let commit = {
            let parent = ours.repository.find_commit(old_tip.unwrap()).unwrap();
            let signature = signature().unwrap();
            let tree = parent.tree().unwrap();
            ours.repository.commit(None, &signature, &signature, "late", &tree, &[&parent]).unwrap()
        };
        assert_eq!(ours.push(old_tip, commit).await.unwrap(), Moved::Lost);
        assert!(matches!(publish(&mut ours, "EU", "3").await, Published::Commit(_)), "rebuilt on the new tip");
        assert_eq!(server.main().0, [file("EU", "3"), file("US", "2")]);
    }

    #[tokio::test]
    async fn a_folder_is_asked_whether_it_takes_a_push() {
        let server = Server::start();
        let mut repo = server.open("ours", History::Append);
        let check = repo.check_push().await;
        assert_eq!((check.may_push, check.branch_exists), (true, Some(false)), "{check:?}");
        publish(&mut repo, "EU", "1").await;
        assert_eq!(repo.check_push().await.branch_exists, Some(true));
        let names: Vec<_> =
            server.bare.references().unwrap().map(|name| name.unwrap().name().unwrap().to_owned()).collect();
        assert_eq!(names, ["refs/heads/main"], "nothing else is left there");
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
}
