//! parsebook simulator.
