//! The terminal that the live lines are drawn on: one that goes away ends the run as Ctrl-C does, and nothing else.

use std::io;

use console::Term;
use indicatif::TermLike;

use super::interrupt;

/// Standard error, whose losses are not passed on: the library that draws on it would panic.
#[derive(Debug)]
pub struct Careful(Term);

impl Careful {
    /// The terminal at standard error.
    pub fn stderr() -> Self {
        Self(Term::buffered_stderr())
    }
}

/// Takes note of a terminal that is gone.
fn careful(result: io::Result<()>) -> io::Result<()> {
    if result.is_err() {
        interrupt::screen_is_lost();
    }
    Ok(())
}

impl TermLike for Careful {
    fn width(&self) -> u16 {
        TermLike::width(&self.0)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        careful(self.0.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        careful(self.0.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        careful(self.0.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        careful(self.0.move_cursor_left(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        careful(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        careful(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        careful(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        careful(self.0.flush())
    }
}
