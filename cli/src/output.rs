//! What is printed: aligned tables for people, one JSON document a line for programs.

use std::error::Error;
use std::io::{BufWriter, StdoutLock, Write as _};

use nova_auth::domain::characters::with_joiners;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

/// Whom a verb prints for.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Output {
    /// Print JSON, one document per line.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Output {
    /// Prints a list: an object a line for programs, or these lines for people.
    ///
    /// # Errors
    /// When nobody reads.
    pub(crate) fn print_list<T: Serialize>(
        self,
        entries: impl IntoIterator<Item = T>,
        lines: &str,
    ) -> Result<(), Box<dyn Error>> {
        if !self.json {
            return self.print(&(), lines);
        }
        for entry in entries {
            self.print(&entry, lines)?;
        }
        Ok(())
    }

    /// Prints a document for programs, or these lines for people.
    ///
    /// # Errors
    /// When nobody reads.
    pub(crate) fn print(self, document: &impl Serialize, lines: &str) -> Result<(), Box<dyn Error>> {
        let mut out = stdout();
        if self.json {
            serde_json::to_writer(&mut out, document).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", lines.trim_end())?;
        }
        Ok(out.flush()?)
    }
}

/// Standard output, a block at a time.
pub(crate) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(std::io::stdout().lock())
}

/// Rows under headings, aligned.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<[String; N]>,
    widths: [usize; N],
}

/// Between columns.
const GAP: usize = 2;

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&'static str; N]) -> Self {
        Table { headings, rows: Vec::new(), widths: headings.map(str::len) }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        let cells = cells.map(|cell| shown(&cell));
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width());
        }
        self.rows.push(cells);
    }

    /// The headings as a line.
    pub(crate) fn heading(&self) -> String {
        self.line(&self.headings.map(str::to_owned))
    }

    /// The rows as lines; they are gone then, and the widths stay: a long list is printed block by block.
    pub(crate) fn take_lines(&mut self) -> String {
        let rows = std::mem::take(&mut self.rows);
        rows.iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, cells: &[String; N]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(self.widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat((width + GAP).saturating_sub(cell.width())));
        }
        let mut line = line.trim_end().to_owned();
        line.push('\n');
        line
    }

    /// All of it.
    pub(crate) fn render(mut self) -> String {
        format!("{}{}", self.heading(), self.take_lines())
    }
}

/// A text as it may be shown on a terminal. A client chose some of them (its user agent is one), and a terminal obeys control
/// characters; marks of direction make a line read as another one. A joiner between letters that join is part of the word.
pub(crate) fn shown(text: &str) -> String {
    let shown = |(c, joins): (char, bool)| {
        let is_treacherous = c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if is_treacherous && !joins { '\u{fffd}' } else { c }
    };
    with_joiners(text).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings_in_any_script() {
        let mut table = Table::new(["NAME", "ROLE"]);
        table.row(["سارة".to_owned(), "admin".to_owned()]);
        table.row(["王小明".to_owned(), "user".to_owned()]);
        assert_eq!(table.render(), "NAME    ROLE\nسارة    admin\n王小明  user\n");
    }

    #[test]
    fn what_a_client_chose_cannot_write_over_the_screen() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn a_name_with_joiners_is_shown_as_it_is_written_and_takes_the_room_that_it_takes() {
        let mut table = Table::new(["NAME", "ROLE"]);
        table.row(["علی\u{200c}رضا".to_owned(), "admin".to_owned()]);
        table.row(["ක්\u{200d}රි".to_owned(), "user".to_owned()]);
        let rendered = table.render();
        assert!(!rendered.contains('\u{fffd}'), "{rendered}");
        let rows: Vec<_> = rendered.lines().collect();
        assert_eq!(rows.get(1), Some(&"علی\u{200c}رضا  admin"));
        assert_eq!(shown("Sa\u{200d}ra \u{200c}علی"), "Sa\u{fffd}ra \u{fffd}علی");
    }
}
