//! Objects that are written piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use tokio::io::AsyncWriteExt;

use super::Objects;
use crate::Error;

/// An object that is being written piece by piece. A small object is sent in one request at the end, a large one in parts.
///
/// An upload that is dropped before [`Upload::finish`] leaves the earlier object as it was.
#[derive(Debug)]
pub struct Upload {
    objects: Objects,
    key: String,
    writer: BufWriter,
}

impl Upload {
    /// Begins an object at a key that was checked.
    pub(super) fn new(objects: Objects, key: &str, path: Path) -> Self {
        Self {
            key: key.to_owned(),
            writer: BufWriter::new(Arc::clone(&objects.store), path),
            objects,
        }
    }

    /// Adds a piece to the end of the object.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub async fn write(&mut self, piece: impl Into<Bytes>) -> Result<(), Error> {
        let written = self.writer.put(piece.into()).await;
        written.map_err(|error| self.objects.failed("upload", &self.key, error))
    }

    /// Completes the object.
    ///
    /// # Errors
    /// As [`Objects::put`]; the earlier object stays as it was then.
    pub async fn finish(mut self) -> Result<(), Error> {
        let Err(error) = self.writer.shutdown().await else {
            return Ok(());
        };
        let error = match error.downcast::<object_store::Error>() {
            Ok(error) => error,
            Err(error) => object_store::Error::Generic {
                store: "upload",
                source: Box::new(error),
            },
        };
        Err(self.objects.failed("upload", &self.key, error))
    }
}
