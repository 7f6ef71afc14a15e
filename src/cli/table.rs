//! Tables that fit the terminal: columns as wide as they need, the last ones giving way first.

use anyhow::Result;
use serde_json::Value;

use super::outcome::Outcome;
use super::screen::Screen;

/// Spaces between columns.
const GAP: usize = 2;
/// No column gets narrower than this to make room.
const NARROWEST: usize = 8;

/// Rows of text under headers.
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The first column is never clipped: it is what another command takes.
    whole_first: bool,
}

impl Table {
    pub fn new(headers: &[&str]) -> Self {
        Self { headers: headers.iter().map(ToString::to_string).collect(), rows: Vec::new(), whole_first: false }
    }

    /// Never clips the first column, because another command takes what stands there.
    pub fn with_whole_first(mut self) -> Self {
        self.whole_first = true;
        self
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        // A cell is one line, whatever was in it.
        let flat = |cell: String| cell.split_whitespace().collect::<Vec<_>>().join(" ");
        self.rows.push(cells.into_iter().map(|cell| flat(cell.into())).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, none longer than `width` unless every column is at its narrowest.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        std::iter::once(&self.headers).chain(&self.rows).map(|cells| line(cells, &widths)).collect()
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.headers.len())
            .map(|column| {
                let cells = std::iter::once(&self.headers).chain(&self.rows).filter_map(|cells| cells.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let room = width.saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            // The widest gives way, the later of two.
            let yielding = widths.iter_mut().skip(usize::from(self.whole_first));
            let Some(widest) = yielding.max_by_key(|width| **width).filter(|width| **width > NARROWEST) else { break };
            *widest -= 1;
        }
        widths
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let shown: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{:<width$}", clipped(cell, *width), width = *width))
        .collect();
    shown.join(&" ".repeat(GAP)).trim_end().to_string()
}

/// The text, or its beginning and an ellipsis.
pub fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Prints a listing, what to say when it is empty, and how to read on.
pub fn show(table: &Table, answer: &Value, empty: &str, screen: &mut Screen) -> Result<Outcome> {
    if table.is_empty() {
        screen.say(empty)?;
        return Ok(Outcome::Well);
    }
    for line in table.lines(screen.width) {
        screen.say(line)?;
    }
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        screen.note(&format!("more: add --after {next}"));
    }
    Ok(Outcome::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_width_and_the_widest_column_gives_way() {
        let mut table = Table::new(&["id", "partner", "why"]);
        table.row([
            "1",
            "lakeside-practice",
            "the server answered 503 Service Unavailable, and will be tried again later",
        ]);
        let lines = table.lines(60);
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:?}");
        assert!(lines[1].starts_with("1   lakeside-practice  the server") && lines[1].ends_with('…'), "{lines:?}");
    }

    #[test]
    fn what_another_command_takes_is_never_clipped() {
        let mut table = Table::new(&["id", "why"]).with_whole_first();
        table.row(["lakeside-practice.zpyvryc51td5tgwt.1", "the server answered 503"]);
        assert!(table.lines(50)[1].starts_with("lakeside-practice.zpyvryc51td5tgwt.1  the serve"));
    }

    #[test]
    fn a_cell_with_line_breaks_stays_one_line() {
        let mut table = Table::new(&["text"]);
        table.row(["one\n  two"]);
        assert_eq!(table.lines(80), ["text", "one two"]);
    }
}
