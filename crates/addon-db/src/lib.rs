//! parsebook addon-db.
