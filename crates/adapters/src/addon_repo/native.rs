//! A repository that libgit2 reaches itself: in a folder, or at a git daemon. What is pushed there is not thin.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use git2::{Direction, ErrorCode, Oid, PushOptions, RemoteCallbacks, Repository};
use parsebook_core::ports::PublishError;
use url::Url;

use super::{Moved, is_lock};
use crate::text::excerpt;

/// The fetched branch.
const FETCHED: &str = "refs/parsebook/tip";
/// What is pushed.
const NEXT: &str = "refs/parsebook/next";

/// Such a repository.
#[derive(Debug)]
pub struct NativeServer {
    url: String,
    /// Where it is, if it is a folder.
    folder: Option<PathBuf>,
}

impl NativeServer {
    /// Nothing is opened yet.
    ///
    /// # Errors
    /// When `url` is of a kind that parsebook cannot use.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let url = url.trim().to_owned();
        let folder = match url.split_once("://") {
            Some(("file", _)) => {
                let folder = Url::parse(&url).ok().and_then(|url| url.to_file_path().ok());
                Some(folder.context("GIT_REPOSITORY_URL names no folder")?)
            }
            Some(("git", _)) => None,
            // `host:path` is how ssh addresses are written.
            None if !url.contains(':') || url.starts_with(['/', '.']) => Some(PathBuf::from(&url)),
            _ => anyhow::bail!("GIT_REPOSITORY_URL is neither an https, http, git or file address nor a folder"),
        };
        Ok(Self { url, folder })
    }

    /// The address, for people.
    pub fn name(&self) -> &str {
        &self.url
    }

    /// Fetches the branch; answers where it is.
    pub fn fetch(&self, repository: &Repository, reference: &str) -> anyhow::Result<Option<Oid>> {
        let mut remote = repository.remote_anonymous(&self.url)?;
        let connection = remote.connect_auth(Direction::Fetch, None, None)?;
        let exists = connection.list()?.iter().any(|head| head.name() == reference);
        drop(connection);
        if !exists {
            return Ok(None);
        }
        remote.fetch(&[format!("+{reference}:{FETCHED}")], None, None)?;
        // The branch may have moved between the list and the fetch: what was fetched counts.
        Ok(Some(repository.refname_to_id(FETCHED)?))
    }

    /// Moves the branch from `tip` to `commit`, if it is still at `tip`.
    pub fn push(
        &self,
        repository: &Repository,
        reference: &str,
        tip: Option<Oid>,
        commit: Oid,
    ) -> Result<Moved, PublishError> {
        repository.reference(NEXT, commit, true, "to be pushed").context("naming the commit")?;
        match &self.folder {
            // libgit2 moves a branch in a folder wherever it is: the objects go first, then the branch with a compare.
            Some(folder) => {
                let waiting = format!("refs/parsebook/{commit}");
                if self.send(repository, &waiting, None)? == Moved::Lost {
                    return Ok(Moved::Lost);
                }
                let there = Repository::open(folder).context("opening the addon repository")?;
                let moved = compare_and_set(&there, reference, tip, commit);
                let cleared = there.find_reference(&waiting).and_then(|mut waiting| waiting.delete());
                let moved = moved?;
                cleared.context("removing the name of what was pushed")?;
                Ok(moved)
            }
            None => self.send(repository, reference, Some(tip)),
        }
    }

    /// Whether the branch is there, in a repository that would take a push.
    pub fn may_push(&self, scratch: &Repository, reference: &str) -> Result<bool, PublishError> {
        if let Some(folder) = &self.folder {
            let there = Repository::open(folder).context("opening the addon repository")?;
            let objects = there.path().join("objects").metadata().context("reading the addon repository")?;
            if !there.is_bare() {
                return Err(PublishError::PushRejected("the folder is no bare repository".to_owned()));
            }
            if objects.permissions().readonly() {
                return Err(PublishError::PushRejected("the folder may not be written".to_owned()));
            }
            return Ok(there.find_reference(reference).is_ok());
        }
        let mut remote = scratch.remote_anonymous(&self.url).context("the address")?;
        let connection = remote.connect_auth(Direction::Push, None, None).context("connecting for a push")?;
        Ok(connection.list().context("listing branches")?.iter().any(|head| head.name() == reference))
    }

    /// Pushes to `reference`, if it is at `tip`, should that matter.
    fn send(&self, repository: &Repository, reference: &str, tip: Option<Option<Oid>>) -> Result<Moved, PublishError> {
        let mut refused = None;
        let mut callbacks = RemoteCallbacks::new();
        // A push that a server's hook refuses answers Ok: only this callback tells.
        callbacks.push_update_reference(|_, status| {
            refused = status.map(str::to_owned);
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks);
        let mut remote = repository.remote_anonymous(&self.url).context("the address")?;
        let mut connection = remote.connect_auth(Direction::Push, None, None).context("connecting for a push")?;
        if let Some(tip) = tip {
            let heads = connection.list().context("listing branches")?;
            // The daemon compares with what this list says.
            if heads.iter().find(|head| head.name() == reference).map(git2::RemoteHead::oid) != tip {
                return Ok(Moved::Lost);
            }
        }
        let pushed = connection.remote().push(&[format!("+{NEXT}:{reference}")], Some(&mut options));
        drop(options);
        match (pushed, refused) {
            (Err(error), _) => Err(anyhow!(error).context("pushing").into()),
            (Ok(()), Some(reason)) if is_lock(&reason) => Ok(Moved::Lost),
            (Ok(()), Some(reason)) => Err(PublishError::PushRejected(excerpt(&reason))),
            (Ok(()), None) => Ok(Moved::Done),
        }
    }
}

fn compare_and_set(there: &Repository, reference: &str, tip: Option<Oid>, commit: Oid) -> anyhow::Result<Moved> {
    let moved = match tip {
        Some(tip) => there.reference_matching(reference, commit, true, tip, "published"),
        None => there.reference(reference, commit, false, "published"),
    };
    match moved.map_err(|error| (error.code(), error)) {
        Ok(_) => Ok(Moved::Done),
        Err((ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound | ErrorCode::Locked, _)) => Ok(Moved::Lost),
        Err((_, error)) => Err(anyhow!(error).context("moving the branch")),
    }
}
