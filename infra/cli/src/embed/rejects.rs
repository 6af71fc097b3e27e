//! Lists the lines that cannot be embedded, with their reasons, on the terminal and in a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use indicatif::ProgressBar;
use serde_json::json;

/// Number of lines that are printed on the terminal; the file has all lines.
const MAX_PRINTED_LINES: usize = 50;

/// The list of rejected lines. The file is created with the first rejected line.
pub(super) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    bar: ProgressBar,
    count: usize,
}

impl Rejects {
    /// Returns an empty list, and removes the file of an earlier run.
    ///
    /// # Errors
    /// If a file of an earlier run cannot be removed.
    pub(super) fn new(path: PathBuf, bar: ProgressBar) -> anyhow::Result<Self> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot write {}", path.display()))
            }
            _ => Ok(Self {
                path,
                file: None,
                bar,
                count: 0,
            }),
        }
    }

    /// Adds a rejected line.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn add(&mut self, line: u64, reason: &str) -> anyhow::Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(
                File::create(&self.path).with_context(failed)?,
            )),
        };
        writeln!(file, "{}", json!({ "line": line, "reason": reason })).with_context(failed)?;
        self.count += 1;
        if self.count <= MAX_PRINTED_LINES {
            self.bar.suspend(|| eprintln!("line {line}: {reason}"));
        }
        Ok(())
    }

    /// Returns the number of rejected lines.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Completes the file and prints its path.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        if let Some(mut file) = self.file {
            file.flush()
                .with_context(|| format!("cannot write {}", self.path.display()))?;
            eprintln!("rejected lines and their reasons: {}", self.path.display());
        }
        Ok(())
    }
}
