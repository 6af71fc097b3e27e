//! The lines that cannot be embedded: shown, and listed in a file with their reasons.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use indicatif::ProgressBar;
use serde_json::json;

/// Lines shown on the terminal; the file has all of them.
const SHOWN: usize = 50;

/// Lists rejected lines. The file is made with the first of them; one of an earlier run is removed.
pub(super) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    bar: ProgressBar,
    count: usize,
}

impl Rejects {
    /// An empty list.
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

    /// Adds a line.
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
        if self.count <= SHOWN {
            self.bar.suspend(|| eprintln!("line {line}: {reason}"));
        }
        Ok(())
    }

    /// How many lines were rejected.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Completes the file and says where it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        if let Some(mut file) = self.file {
            file.flush()
                .with_context(|| format!("cannot write {}", self.path.display()))?;
            eprintln!("rejected lines and their reasons: {}", self.path.display());
        }
        Ok(())
    }
}
