//! What happens to a report after its upload: its owner deletes it, hides it, or exports it again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Edits by report code.
#[derive(Debug, Default)]
pub(crate) struct Edits(Mutex<HashMap<String, Edit>>);

impl Edits {
    pub(crate) fn of(&self, code: &str) -> Edit {
        self.lock().get(code).copied().unwrap_or_default()
    }

    pub(crate) fn set(&self, code: &str, edit: Edit) {
        self.lock().insert(code.to_owned(), edit);
    }

    /// Takes reports that are deleted or private out of a list.
    pub(crate) fn leave_out_hidden(&self, list: &mut Vec<u32>, code: impl Fn(u32) -> String) {
        let edits = self.lock();
        if edits.values().any(|edit| edit.is_deleted || edit.is_private) {
            list.retain(|&at| edits.get(&code(at)).is_none_or(|edit| !edit.is_deleted && !edit.is_private));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Edit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
