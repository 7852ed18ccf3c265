//! Measures parsebook against worlds of known content. The oracle is shared with the tests.

pub mod oracle;

/// Prints one figure, what it was measured on, and how it stands to its bound or baseline.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
pub fn figure(name: &str, value: &str, measured_on: &str, against: &str) {
    println!("{name:<36} {value:>10}   {measured_on:<48} {against}");
}
