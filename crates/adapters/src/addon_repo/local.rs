//! An addon repository that is a folder on this machine.

use std::path::Path;

use anyhow::Context;
use git2::build::CheckoutBuilder;
use git2::{ErrorCode, Repository, RepositoryInitOptions};
use parsebook_core::ports::{AddonRepo, PublishError, Published};

use super::{Staged, read_file, signature};

/// A folder with its own history. Files that parsebook does not publish are left alone.
pub struct LocalRepo {
    repository: Repository,
    staged: Staged,
}

impl std::fmt::Debug for LocalRepo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalRepo({})", self.repository.path().display())
    }
}

impl LocalRepo {
    /// Opens the repository at `folder`, making it where it is absent.
    ///
    /// # Errors
    /// When the folder cannot be written or holds a bare or broken repository.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making the addon folder {}", folder.display()))?;
        let repository = match Repository::open(folder) {
            Ok(repository) => repository,
            Err(_) => {
                // A process that died while it made the repository left half of one, perhaps locked; making it again
                // completes it.
                remove_stale_locks(&folder.join(".git"))?;
                Repository::init_opts(folder, RepositoryInitOptions::new().initial_head("main"))
                    .with_context(|| format!("opening the addon repository {}", folder.display()))?
            }
        };
        remove_stale_locks(repository.path())?;
        remove_probes(folder)?;
        Ok(Self { repository, staged: Staged::default() })
    }

    fn commit(&mut self, message: &str) -> anyhow::Result<Published> {
        let repository = &self.repository;
        let parent = match repository.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let base = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let tree = repository.find_tree(self.staged.tree(repository, base.as_ref())?)?;
        let published = if base.as_ref().is_some_and(|base| base.id() == tree.id()) {
            Published::Unchanged
        } else {
            let signature = signature()?;
            let parents: Vec<_> = parent.iter().collect();
            let commit = repository.commit(Some("HEAD"), &signature, &signature, message, &tree, &parents)?;
            Published::Commit(commit.to_string())
        };
        // Also when unchanged: an earlier run may have died between its commit and its checkout.
        let mut checkout = CheckoutBuilder::new();
        checkout.force();
        self.staged.names.keys().for_each(|name| {
            checkout.path(name.as_str());
        });
        repository.checkout_tree(tree.as_object(), Some(&mut checkout)).context("checking the files out")?;
        let mut index = repository.index()?;
        index.read_tree(&tree)?;
        index.write()?;
        self.staged = Staged::default();
        Ok(published)
    }
}

/// Removes the locks that a process left when it died in the middle of a commit. The lock on the data folder lets only
/// one parsebook publish, so none is in use.
fn remove_stale_locks(git: &Path) -> anyhow::Result<()> {
    let head = std::fs::read_to_string(git.join("HEAD")).unwrap_or_default();
    let branch = head.trim().strip_prefix("ref: ").map(|branch| format!("{branch}.lock"));
    let names = ["index.lock", "HEAD.lock", "config.lock"].map(str::to_owned);
    for name in names.into_iter().chain(branch) {
        let lock = git.join(name);
        if lock.exists() {
            std::fs::remove_file(&lock).with_context(|| format!("removing the stale {}", lock.display()))?;
        }
    }
    Ok(())
}

/// Removes what libgit2 tries the folder's abilities with while it makes a repository (`_git2_` and sixteen hexadecimal
/// digits: an empty file, then a link that leads nowhere), should a process have died in that moment.
fn remove_probes(folder: &Path) -> anyhow::Result<()> {
    let is_probe = |name: &str| {
        let random = name.strip_prefix("_git2_").unwrap_or_default();
        random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        if entry.file_name().to_str().is_some_and(is_probe) {
            std::fs::remove_file(entry.path()).with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

impl AddonRepo for LocalRepo {
    async fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let tip = match self.repository.head() {
            Ok(head) => Some(head.peel_to_tree().map_err(anyhow::Error::from)?),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => None,
            Err(error) => return Err(anyhow::Error::from(error).into()),
        };
        Ok(read_file(&self.repository, tip.as_ref(), path)?)
    }

    async fn stage(&mut self, name: &str, files: Vec<(String, Vec<u8>)>) -> Result<(), PublishError> {
        Ok(self.staged.stage(&self.repository, name, files)?)
    }

    async fn publish(&mut self, message: &str) -> Result<Published, PublishError> {
        Ok(self.commit(message)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        paths.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[tokio::test]
    async fn folders_are_replaced_whole_and_the_same_tree_makes_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).ok();
        let mut repo = LocalRepo::open(folder.path()).unwrap();
        assert_eq!(repo.read("A/old.lua").await.unwrap(), None, "nothing is published yet");
        repo.stage("A", files(&[("A/old.lua", "1"), ("A/sub/kept.lua", "2")])).await.unwrap();
        repo.stage("B", files(&[("B/b.lua", "3")])).await.unwrap();
        assert!(matches!(repo.publish("first").await.unwrap(), Published::Commit(_)));
        std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
        assert_eq!(repo.read("A/sub/kept.lua").await.unwrap().as_deref(), Some(&b"2"[..]));
        for absent in ["A", "A/gone.lua", "mine.txt"] {
            assert_eq!(repo.read(absent).await.unwrap(), None, "{absent}");
        }

        let mut repo = LocalRepo::open(folder.path()).unwrap();
        repo.stage("A", files(&[("A/new.lua", "4"), ("A/sub/kept.lua", "2")])).await.unwrap();
        assert!(matches!(repo.publish("second").await.unwrap(), Published::Commit(_)));
        assert_eq!(read("A/old.lua"), None);
        assert_eq!(read("A/new.lua").as_deref(), Some("4"));
        assert_eq!(read("B/b.lua").as_deref(), Some("3"));
        assert_eq!(read("mine.txt").as_deref(), Some("mine"));

        std::fs::remove_file(folder.path().join("A/new.lua")).unwrap();
        repo.stage("A", files(&[("A/new.lua", "4"), ("A/sub/kept.lua", "2")])).await.unwrap();
        assert_eq!(repo.publish("third").await.unwrap(), Published::Unchanged);
        assert_eq!(read("A/new.lua").as_deref(), Some("4"), "a file that went missing is laid out again");
    }

    #[tokio::test]
    async fn what_a_death_left_behind_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(".git/refs")).unwrap();
        std::fs::write(folder.path().join(".git/config.lock"), "").unwrap();
        for stale in ["index.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock"] {
            LocalRepo::open(folder.path()).unwrap();
            std::fs::write(folder.path().join(".git").join(stale), "").unwrap();
            let mut repo = LocalRepo::open(folder.path()).unwrap();
            repo.stage("A", files(&[("A/a.lua", stale)])).await.unwrap();
            assert!(matches!(repo.publish(stale).await.unwrap(), Published::Commit(_)), "{stale}");
        }
        let (probe, mine) = (folder.path().join("_git2_00112233445566ff"), folder.path().join("_git2_mine"));
        std::os::unix::fs::symlink("testing", &probe).unwrap();
        std::fs::write(&mine, "").unwrap();
        LocalRepo::open(folder.path()).unwrap();
        assert!(probe.symlink_metadata().is_err() && mine.exists(), "libgit2's probe goes, a file of the owner stays");
    }

    #[tokio::test]
    async fn a_path_outside_its_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut repo = LocalRepo::open(folder.path()).unwrap();
        assert!(repo.stage("A", files(&[("B/b.lua", "")])).await.is_err());
        assert!(repo.stage("A", files(&[("AB/b.lua", "")])).await.is_err());
    }
}
