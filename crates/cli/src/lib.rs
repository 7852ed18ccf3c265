//! parsebook cli.
