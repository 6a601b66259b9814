//! What was measured, and what it may be.

use crate::counts::Counts;

/// The rows, in the order in which they came, and a column for each size.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
    failed: Vec<String>,
}

#[derive(Debug)]
struct Row {
    what: String,
    /// By column.
    cells: Vec<String>,
    limit: String,
}

impl Table {
    /// What is measured from now on is measured at this size.
    pub fn column(&mut self, name: String) {
        println!("\nat {name} bindings");
        self.columns.push(name);
    }

    /// A number without a limit.
    pub fn say(&mut self, what: &str, measured: f64) {
        self.add(what, number(measured), "", true);
    }

    /// A number that says more of the machine than of the operator: it is printed, and not kept.
    pub fn aside(&self, what: &str, measured: impl std::fmt::Display) {
        println!("  ({what}: {measured})");
    }

    /// How often what was done: printed, and not kept.
    pub fn counts(&self, what: &str, counts: &Counts) {
        let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        self.aside(what, if parts.is_empty() { "none".to_owned() } else { parts.join(", ") });
    }

    /// A number with a limit; one that is not finite is none.
    pub fn at_most(&mut self, what: &str, measured: f64, limit: f64) {
        let text = if limit.is_finite() { format!("at most {}", number(limit)) } else { String::new() };
        self.add(what, number(measured), &text, measured <= limit);
    }

    /// A number that must not be less.
    pub fn at_least(&mut self, what: &str, measured: f64, limit: f64) {
        let text = if limit.is_finite() { format!("at least {}", number(limit)) } else { String::new() };
        self.add(what, number(measured), &text, measured >= limit || !limit.is_finite());
    }

    /// A count that must be this for each of `n`.
    pub fn exactly(&mut self, what: &str, count: usize, n: usize, each: usize) {
        let measured = if n == 1 { count.to_string() } else { number(count as f64 / n as f64) };
        self.add(what, measured, "exactly", count == n * each);
    }

    fn add(&mut self, what: &str, measured: String, limit: &str, held: bool) {
        // At once: who waits sees how far it is.
        let more = if limit.is_empty() { String::new() } else { format!("   ({limit})") };
        println!("{what:<66} {measured}{more}");
        let column = self.columns.len().saturating_sub(1);
        if !held {
            self.failed.push(format!("{what}, at {}: {measured}{more}", self.columns[column]));
        }
        let at = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what: what.to_owned(), cells: Vec::new(), limit: String::new() });
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        row.cells.resize((column + 1).max(row.cells.len()), String::new());
        row.cells[column] = measured;
        if !limit.is_empty() {
            row.limit = limit.to_owned();
        }
    }

    /// All rows, as `docs/performance.md` has them.
    pub fn markdown(&self) -> String {
        let mut text = format!("| what | {} | limit |\n", self.columns.join(" | "));
        text += &format!("|---|{}---|\n", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            let cells = (0..self.columns.len()).map(|at| row.cells.get(at).map_or("", String::as_str));
            let cells: Vec<&str> = cells.collect();
            text += &format!("| {} | {} | {} |\n", row.what, cells.join(" | "), row.limit);
        }
        text
    }

    /// What is not as it must be.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// With as many places as say something.
fn number(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value if value.abs() >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A number of bindings, as people write it.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}
