//! The table of figures.

/// Prints figures in aligned columns as they are measured.
pub struct Report;

impl Report {
    /// The head of the table.
    pub fn begin() -> Self {
        Self::line("figure", "measured", "limit", "measured on", "baseline in this run", "ratio");
        println!("{}", "-".repeat(150));
        Self
    }

    /// A heading for the next figures.
    pub fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// One figure. `limit`: the most (or, if `more` is true, the least) it may be.
    #[expect(clippy::too_many_arguments, reason = "the columns of the table")]
    pub fn figure(
        &self,
        name: &str,
        value: f64,
        unit: &str,
        limit: Option<f64>,
        more: bool,
        on: &str,
        base: Option<(&str, f64)>,
    ) {
        let number = |v: f64| match v.abs() {
            a if a >= 1000.0 => format!("{v:.0}"),
            a if a >= 10.0 => format!("{v:.1}"),
            a if a >= 0.1 || a == 0.0 => format!("{v:.2}"),
            _ => format!("{v:.4}"),
        };
        let sign = if more { "≥" } else { "≤" };
        let judged = |l: f64| {
            let met = if more { value >= l } else { value <= l };
            format!("{sign} {}{}", number(l), if met { "" } else { " MISSED" })
        };
        let (base_text, ratio) = match base {
            Some((what, v)) => (format!("{what}: {} {unit}", number(v)), format!("{:.4}", value / v)),
            None => (String::new(), String::new()),
        };
        Self::line(
            name,
            &format!("{} {unit}", number(value)),
            &limit.map(judged).unwrap_or_default(),
            on,
            &base_text,
            &ratio,
        );
    }

    fn line(name: &str, value: &str, limit: &str, on: &str, base: &str, ratio: &str) {
        println!("{name:<34} {value:>16}  {limit:<16} {on:<28} {base:<40} {ratio:>8}");
    }
}
