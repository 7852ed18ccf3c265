//! parsebook core.
