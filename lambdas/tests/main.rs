//! The five binaries against real servers: each alone, when something breaks in the middle, and deployed.

mod binaries;
mod deployed;
mod faults;
mod journal;
mod operator;
mod pages;
mod scripts;
