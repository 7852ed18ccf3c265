//! One file of the addon repository.

/// A file of the addon repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path inside the repository, with `/`.
    pub path: String,
    /// Contents: printable ASCII, line feeds and valid UTF-8.
    pub bytes: Vec<u8>,
}
