//! What happens to reports and characters while the simulator runs: an owner deletes a report, hides it or exports it
//! again; a player hides, leaves, takes another name or moves to another realm.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::world::Realm;

/// What was done to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edit {
    /// It does not exist any more.
    pub is_deleted: bool,
    /// It answers with a permission error and stands in no list.
    pub is_private: bool,
    /// Added to its revision; below 0 the revision goes back.
    pub revisions: i32,
}

/// What happened to a character. The world itself stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CharacterEdit {
    /// It hides its rankings.
    pub is_hidden: bool,
    /// It does not exist any more.
    pub is_gone: bool,
    /// Its new name.
    pub name: Option<String>,
    /// Its new realm.
    pub realm: Option<Realm>,
    /// The id of the record that has taken its place.
    pub canonical_id: Option<i32>,
}

/// Edits by report code and character id.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    reports: Mutex<HashMap<String, Edit>>,
    characters: Mutex<HashMap<i32, CharacterEdit>>,
}

impl Edits {
    pub(crate) fn report(&self, code: &str) -> Edit {
        lock(&self.reports).get(code).copied().unwrap_or_default()
    }

    pub(crate) fn set_report(&self, code: &str, edit: Edit) {
        lock(&self.reports).insert(code.to_owned(), edit);
    }

    /// Takes reports that are deleted or private out of a list.
    pub(crate) fn leave_out_hidden(&self, list: &mut Vec<u32>, code: impl Fn(u32) -> String) {
        let edits = lock(&self.reports);
        if edits.values().any(|edit| edit.is_deleted || edit.is_private) {
            list.retain(|&at| edits.get(&code(at)).is_none_or(|edit| !edit.is_deleted && !edit.is_private));
        }
    }

    pub(crate) fn character(&self, id: i32) -> CharacterEdit {
        lock(&self.characters).get(&id).cloned().unwrap_or_default()
    }

    pub(crate) fn set_character(&self, id: i32, edit: CharacterEdit) {
        lock(&self.characters).insert(id, edit);
    }
}

fn lock<T>(edits: &Mutex<T>) -> MutexGuard<'_, T> {
    edits.lock().unwrap_or_else(PoisonError::into_inner)
}
