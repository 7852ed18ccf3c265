//! What `parsebook` is told by environment variables.

pub use parsebook_adapters::settings::MachineSettings as Settings;
