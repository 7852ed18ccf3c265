//! A thin pack (gitformat-pack): only what the server lacks, and of a changed file only what changed.
//!
//! libgit2 writes whole files into what it pushes, because it looks for bases inside the pack alone. Here the base of a
//! file is the file of the same path in the commit that the server's branch is at, which the server has until the
//! branch has moved: so this holds for a commit without parents too.

use std::collections::HashSet;
use std::io::Write;

use anyhow::Context;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid, Repository, Tree};
use sha1::{Digest, Sha1};

use super::delta::delta;

/// A delta below this share of the file is taken without looking how well the whole file packs.
const SURELY_SMALL: usize = 4;
/// The type number of an object told as a delta against one that is named by its id.
const REF_DELTA: u8 = 7;

/// An object to be sent.
struct Object {
    id: Oid,
    /// The older version that the server has.
    base: Option<Oid>,
}

/// Writes what `commit` has and the tree of `tip`, the server's, has not. One object is in memory at a time, and the
/// one it is told against. Without `deltas` each object is whole: some servers take no thin packs.
///
/// # Errors
/// When an object is missing or the pack cannot be written.
pub fn write(
    repository: &Repository,
    commit: Oid,
    tip: Option<Oid>,
    deltas: bool,
    out: impl Write,
) -> anyhow::Result<()> {
    let objects = lacking(repository, commit, tip)?;
    let mut out = Hashing { out, hash: Sha1::new() };
    out.write_all(b"PACK\0\0\0\x02")?;
    out.write_all(&u32::try_from(objects.len())?.to_be_bytes())?;
    for Object { id, base } in objects {
        write_object(repository, id, base.filter(|_| deltas), &mut out).with_context(|| format!("packing {id}"))?;
    }
    let Hashing { mut out, hash } = out;
    out.write_all(&hash.finalize())?;
    out.flush()?;
    Ok(())
}

/// The commit, and every folder and file of it that is nowhere in the tree of `tip`.
fn lacking(repository: &Repository, commit: Oid, tip: Option<Oid>) -> anyhow::Result<Vec<Object>> {
    let old = tip.map(|tip| repository.find_commit(tip)?.tree()).transpose()?;
    let mut known = HashSet::new();
    if let Some(old) = &old {
        collect(repository, old, &mut known)?;
    }
    let tree = repository.find_commit(commit)?.tree()?;
    let mut objects = vec![Object { id: commit, base: None }];
    walk(repository, &tree, old.as_ref(), &mut known, &mut objects)?;
    Ok(objects)
}

/// Every id of `tree`.
fn collect(repository: &Repository, tree: &Tree<'_>, known: &mut HashSet<Oid>) -> anyhow::Result<()> {
    if known.insert(tree.id()) {
        for entry in tree {
            match entry.kind() {
                Some(ObjectType::Tree) => collect(repository, &repository.find_tree(entry.id())?, known)?,
                _ => _ = known.insert(entry.id()),
            }
        }
    }
    Ok(())
}

fn walk(
    repository: &Repository,
    tree: &Tree<'_>,
    old: Option<&Tree<'_>>,
    known: &mut HashSet<Oid>,
    objects: &mut Vec<Object>,
) -> anyhow::Result<()> {
    if !known.insert(tree.id()) {
        return Ok(());
    }
    objects.push(Object { id: tree.id(), base: None });
    for entry in tree {
        let before = old.and_then(|old| old.get_name_bytes(entry.name_bytes()));
        let before = before.filter(|before| before.kind() == entry.kind()).map(|before| before.id());
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let before = before.map(|id| repository.find_tree(id)).transpose()?;
                walk(repository, &repository.find_tree(entry.id())?, before.as_ref(), known, objects)?;
            }
            Some(ObjectType::Blob) if known.insert(entry.id()) => {
                objects.push(Object { id: entry.id(), base: before });
            }
            // A commit of another repository (a submodule) is not ours to send.
            _ => {}
        }
    }
    Ok(())
}

fn write_object(repository: &Repository, id: Oid, base: Option<Oid>, out: &mut impl Write) -> anyhow::Result<()> {
    let odb = repository.odb()?;
    let object = odb.read(id)?;
    if let Some(base) = base {
        let delta = delta(odb.read(base)?.data(), object.data());
        let packed = deflated(&delta)?;
        if packed.len() < object.len() / SURELY_SMALL || packed.len() < deflated(object.data())?.len() {
            out.write_all(&header(REF_DELTA, delta.len()))?;
            out.write_all(base.as_bytes())?;
            out.write_all(&packed)?;
            return Ok(());
        }
    }
    let kind = match object.kind() {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Blob => 3,
        other => anyhow::bail!("an object of kind {other} is not sent"),
    };
    out.write_all(&header(kind, object.len()))?;
    out.write_all(&deflated(object.data())?)?;
    Ok(())
}

/// Type and size: four bits of the size, then seven a byte, the lowest first.
fn header(kind: u8, size: usize) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | (size & 0x0f) as u8];
    let mut rest = size >> 4;
    while rest > 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    bytes
}

fn deflated(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Writes on, and hashes what it wrote.
struct Hashing<W> {
    out: W,
    hash: Sha1,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
