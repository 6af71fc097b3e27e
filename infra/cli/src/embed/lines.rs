//! Reads the lines of a file, numbered, without keeping more than one payload in memory.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use insights_core::webhook::MAX_BODY_BYTES;

/// One line of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Bytes of the line, without white space at either end.
    Text(Vec<u8>),
    /// A line that is longer than a payload may be; it was skipped.
    TooLong,
}

/// Reads a file line by line.
#[derive(Debug)]
pub(super) struct Lines<R = BufReader<File>> {
    reader: R,
    bytes: u64,
    position: u64,
    number: u64,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// If the file cannot be opened, or is a folder.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(failed)?;
        let metadata = file.metadata().with_context(failed)?;
        anyhow::ensure!(
            !metadata.is_dir(),
            "{} is a folder; name a file of JSON lines",
            path.display()
        );
        Ok(Self {
            reader: BufReader::with_capacity(1 << 16, file),
            bytes: metadata.len(),
            position: 0,
            number: 0,
        })
    }

    /// Returns the size of the file in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the number of bytes that were read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }
}

impl<R: BufRead> Lines<R> {
    /// Returns the next line that is not blank, with its number counted from 1, or `None` at the end of the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(u64, Line)>> {
        loop {
            let mut line = Vec::new();
            let mut too_long = false;
            let mut ended = false;
            loop {
                let available = self
                    .reader
                    .fill_buf()
                    .context("the file cannot be read further")?;
                if available.is_empty() {
                    break;
                }
                let newline = available.iter().position(|byte| *byte == b'\n');
                let taken = newline.map_or(available.len(), |at| at + 1);
                if line.len() + taken > MAX_BODY_BYTES + 2 {
                    too_long = true;
                    line.clear();
                } else if !too_long {
                    line.extend_from_slice(&available[..taken]);
                }
                self.reader.consume(taken);
                self.position += taken as u64;
                if newline.is_some() {
                    ended = true;
                    break;
                }
            }
            if line.is_empty() && !too_long && !ended {
                return Ok(None);
            }
            self.number += 1;
            let text = line.trim_ascii();
            if too_long {
                return Ok(Some((self.number, Line::TooLong)));
            }
            // Some editors write a byte order mark at the start of a file.
            let text = if self.number == 1 {
                text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
            } else {
                text
            };
            if !text.is_empty() {
                return Ok(Some((self.number, Line::Text(text.to_vec()))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Line)> {
        let mut lines = Lines {
            reader: BufReader::with_capacity(7, text),
            bytes: 0,
            position: 0,
            number: 0,
        };
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    fn text(line: &str) -> Line {
        Line::Text(line.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let expected = vec![
            (1, text("one and more")),
            (3, text("three")),
            (5, text("last")),
        ];
        assert_eq!(
            all(b"\xef\xbb\xbfone and more\r\n\nthree\n  \nlast"),
            expected
        );
        assert!(all(b"").is_empty());
        assert!(all(b"\n\n").is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_whole() {
        let mut file = vec![b'x'; MAX_BODY_BYTES * 3];
        file.extend_from_slice(b"\nnext\n");
        assert_eq!(all(&file), [(1, Line::TooLong), (2, text("next"))]);
    }
}
