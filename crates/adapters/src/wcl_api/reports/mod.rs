//! Public reports: lists of them, who was in them and what died, and how everyone ranks for it.

mod details;
mod list;
pub(super) mod lookup;
mod ranks;
mod rows;
#[cfg(test)]
mod samples;

/// Lines about what was left out. A hostile answer could hold millions: most of those are only counted.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    lines: Vec<String>,
    more: usize,
}

impl Skipped {
    const MOST_LINES: usize = 200;

    fn push(&mut self, line: String) {
        if self.lines.len() < Self::MOST_LINES {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }

    /// Whether a list of which `understood` things were read holds none that could be: its first reason then.
    fn nothing_understood(&self, understood: usize) -> Option<String> {
        (understood == 0).then(|| self.lines.first().cloned()).flatten()
    }

    /// Adds the lines that are not there yet: of things that were told twice.
    fn append_new(&mut self, mut other: Self) {
        other.lines.retain(|line| !self.lines.contains(line));
        self.append(other);
    }

    fn append(&mut self, other: Self) {
        self.more += other.more;
        other.lines.into_iter().for_each(|line| self.push(line));
    }

    fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}
