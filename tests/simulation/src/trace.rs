//! What happened in a run, for a person who reads why a seed fails.

use std::fmt::Write;

use crate::seeded_os;

/// Number of lines that a trace keeps; the oldest ones go first.
const MAX_LINES: usize = 20_000;

/// The lines of a run, each with the simulated time.
#[derive(Debug, Default)]
pub struct Trace {
    /// Each line with its moment, in milliseconds of the run.
    lines: std::collections::VecDeque<(u64, String)>,
    is_on: bool,
}

impl Trace {
    /// Creates a trace, which keeps lines only if `is_on`: most runs are never read.
    #[must_use]
    pub fn new(is_on: bool) -> Self {
        Self {
            is_on,
            ..Self::default()
        }
    }

    /// Adds a line, which is only built if the trace keeps lines.
    pub fn add(&mut self, line: impl FnOnce() -> String) {
        if !self.is_on {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        let at = seeded_os::elapsed_ms();
        let text = format!("{:>4}.{:03} {}", at / 1000, at % 1000, line());
        self.lines.push_back((at, text));
    }

    /// Returns the lines as one text, in the order of time.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<&(u64, String)> = self.lines.iter().collect();
        // A process may run ahead of another one for as long as neither can notice.
        lines.sort_by_key(|(at, _)| *at);
        lines
            .into_iter()
            .fold(String::new(), |mut text, (_, line)| {
                let _ = writeln!(text, "{line}");
                text
            })
    }
}
