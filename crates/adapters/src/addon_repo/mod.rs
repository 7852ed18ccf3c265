//! The addon repository: whole top-level folders replaced in one commit, with `git2`.
//!
//! Content goes into blobs as it is staged, so memory holds one file at a time; the tree is edited without a work
//! tree. [`RemoteRepo`] pushes to a server from a bare, shallow clone; [`LocalRepo`] commits into a folder and checks
//! the files out there. `http` speaks to servers over http and https, `native` leaves folders and git daemons to libgit2.

mod delta;
mod http;
mod local;
mod native;
mod remote;
mod thin_pack;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use git2::{ErrorCode, FileMode, ObjectType, Oid, Repository, Signature, Tree, TreeWalkMode, TreeWalkResult};

pub use self::http::read_answers;
pub use self::local::LocalRepo;
pub use self::remote::{History, PushCheck, RemoteConfig, RemoteRepo, check_address};

/// What the next publication replaces: top-level name → (path, blob).
#[derive(Debug, Default)]
struct Staged {
    names: BTreeMap<String, Vec<(String, Oid)>>,
}

impl Staged {
    fn stage(&mut self, repository: &Repository, name: &str, files: Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
        let mut blobs = Vec::with_capacity(files.len());
        for (path, content) in files {
            let inside = path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
            anyhow::ensure!(inside, "{path:?} does not belong to {name:?}");
            let blob = repository.blob(&content).with_context(|| format!("storing {path}"))?;
            blobs.push((path, blob));
        }
        self.names.insert(name.to_owned(), blobs);
        Ok(())
    }

    /// `base` with every staged name replaced.
    fn tree(&self, repository: &Repository, base: Option<&Tree<'_>>) -> anyhow::Result<Oid> {
        let empty = repository.treebuilder(None)?.write().and_then(|id| repository.find_tree(id))?;
        let base = base.unwrap_or(&empty);
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (name, files) in &self.names {
            let staged: std::collections::BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
            for gone in files_below(repository, base, name)? {
                if !staged.contains(gone.as_str()) {
                    update.remove(gone);
                }
            }
            for (path, blob) in files {
                update.upsert(path.as_str(), *blob, FileMode::Blob);
            }
        }
        update.create_updated(repository, base).context("editing the tree")
    }
}

/// Every file of `tree` at or below `name`.
fn files_below(repository: &Repository, tree: &Tree<'_>, name: &str) -> anyhow::Result<Vec<String>> {
    let Some(entry) = tree.get_name(name) else { return Ok(Vec::new()) };
    if entry.kind() != Some(ObjectType::Tree) {
        return Ok(vec![name.to_owned()]);
    }
    let mut files = Vec::new();
    let folder = repository.find_tree(entry.id())?;
    folder.walk(TreeWalkMode::PreOrder, |path, entry| {
        if entry.kind() == Some(ObjectType::Blob)
            && let Ok(file) = entry.name()
        {
            files.push(format!("{name}/{path}{file}"));
        }
        TreeWalkResult::Ok
    })?;
    Ok(files)
}

/// How a push ended that nobody refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// The branch is at the new commit.
    Done,
    /// Somebody else moved it first: nothing of theirs is changed.
    Lost,
}

/// Whether a server could not lock the branch, because something else was at work on it.
fn is_lock(reason: &str) -> bool {
    ["failed to update ref", "cannot lock ref", "fetch first", "stale info"].iter().any(|words| reason.contains(words))
}

/// The content of a file of `tree`; `None` where there is none, or something else at its place.
fn read_file(repository: &Repository, tree: Option<&Tree<'_>>, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(tree) = tree else { return Ok(None) };
    let entry = match tree.get_path(Path::new(path)) {
        Ok(entry) => entry,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("looking for {path}")),
    };
    if entry.kind() != Some(ObjectType::Blob) {
        return Ok(None);
    }
    let blob = repository.find_blob(entry.id()).with_context(|| format!("reading {path}"))?;
    Ok(Some(blob.content().to_vec()))
}

/// Who commits.
fn signature() -> Result<Signature<'static>, git2::Error> {
    Signature::now("parsebook", "parsebook@users.noreply.github.com")
}
