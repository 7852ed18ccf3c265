//! Measures parsebook against worlds of known content. The oracle is shared with the tests.

pub mod oracle;
