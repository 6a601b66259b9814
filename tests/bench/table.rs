//! What was measured, and what it may be.

use crate::counts::Counts;

/// The lines, in the order in which they came.
#[derive(Debug, Default)]
pub struct Table(Vec<Line>);

#[derive(Debug)]
struct Line {
    what: String,
    measured: String,
    limit: String,
    held: bool,
}

impl Table {
    /// A number without a limit.
    pub fn say(&mut self, what: &str, measured: f64) {
        self.add(what, number(measured), String::new(), true);
    }

    /// How often what was done.
    pub fn counts(&mut self, what: &str, counts: &Counts) {
        let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        self.add(what, if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }, String::new(), true);
    }

    /// A number with a limit.
    pub fn at_most(&mut self, what: &str, measured: f64, limit: f64) {
        let text = if limit.is_finite() { format!("at most {}", number(limit)) } else { String::new() };
        self.add(what, number(measured), text, measured <= limit);
    }

    /// A count that must be this for each of `n`.
    pub fn exactly(&mut self, what: &str, count: usize, n: usize, each: usize) {
        let measured = if n == 1 { count.to_string() } else { number(count as f64 / n as f64) };
        self.add(what, measured, format!("exactly {each}"), count == n * each);
    }

    fn add(&mut self, what: &str, measured: String, limit: String, held: bool) {
        let line = Line { what: what.to_owned(), measured, limit, held };
        println!("{}", line.text()); // at once: who waits sees how far it is
        self.0.push(line);
    }

    /// All lines, as Markdown has them.
    pub fn print(&self) {
        println!("\n| what | measured | limit |\n|---|---|---|");
        for line in &self.0 {
            println!("| {} | {} | {} |", line.what.trim(), line.measured, line.limit);
        }
    }

    /// The lines that are not as they must be.
    pub fn failed(&self) -> Vec<String> {
        self.0.iter().filter(|line| !line.held).map(Line::text).collect()
    }
}

impl Line {
    fn text(&self) -> String {
        let limit = if self.limit.is_empty() { String::new() } else { format!("   ({})", self.limit) };
        format!("{:<62} {}{limit}", self.what, self.measured)
    }
}

/// With as many places as say something.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
