//! The stores: what each of them must do, and what is MongoDB's own.

mod contract;
mod every_store;
mod mongo;
mod reports;
