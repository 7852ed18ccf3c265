//! parsebook adapters.
