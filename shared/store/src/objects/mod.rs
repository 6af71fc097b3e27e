//! Objects: whole files under slash-separated keys, in an S3 bucket or in a folder. Reports and archives live here.

mod key;
#[cfg(any(feature = "aws", feature = "queue"))]
mod s3;

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use uuid::Uuid;

use crate::private::create_private_folder;
use crate::{Cause, Error};

/// The metadata entry that tells a writer its own object from another's.
const WRITER: &str = "writer";

/// A listed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// The object store: a bucket or a folder. Writes are atomic, a reader sees an object whole or not at all.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// `S3` or `folder`, for errors.
    name: &'static str,
    /// Whether objects carry metadata (S3) or only bytes (a folder).
    metadata: bool,
}

impl Objects {
    /// A folder, made for this user alone if it is not there.
    ///
    /// # Errors
    /// [`Error::Missing`] if it cannot be made or entered.
    pub fn folder(path: impl AsRef<FilePath>) -> Result<Self, Error> {
        let path = path.as_ref();
        let missing = |cause: Cause| Error::missing_with(path.display().to_string(), cause);
        create_private_folder(path).map_err(|error| missing(error.into()))?;
        let store =
            LocalFileSystem::new_with_prefix(path).map_err(|error| missing(error.into()))?;
        // A bucket has no empty folders either: deleting the last object of a folder removes the folder.
        let store = store.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            name: "folder",
            metadata: false,
        })
    }

    /// Writes an object, over one that is there.
    ///
    /// # Errors
    /// [`Error::Limit`] for a key that is not allowed, [`Error::Missing`] without the bucket or the right,
    /// [`Error::Unavailable`] otherwise.
    pub async fn put(&self, key: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let path = key::parse(key)?;
        let content = PutPayload::from_bytes(content.into());
        self.store
            .put(&path, content)
            .await
            .map_err(|error| self.failed("put", key, error))?;
        Ok(())
    }

    /// Creates an object; of several writers exactly one succeeds.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the key is taken; otherwise as [`Self::put`]. A retry inside the store does not mistake
    /// its own first try for another writer.
    pub async fn put_new(&self, key: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let path = key::parse(key)?;
        let content = PutPayload::from_bytes(content.into());
        let writer = Uuid::new_v4().to_string();
        let mut options = PutOptions::from(PutMode::Create);
        if self.metadata {
            options.attributes =
                Attributes::from_iter([(Attribute::Metadata(WRITER.into()), writer.clone())]);
        }
        match self.store.put_opts(&path, content, options).await {
            Ok(_) => Ok(()),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => {
                if self.metadata && self.writer_of(key, &path).await?.as_deref() == Some(&writer) {
                    return Ok(());
                }
                Err(Error::Conflict {
                    key: key.to_owned(),
                })
            }
            Err(error) => Err(self.failed("put_new", key, error)),
        }
    }

    /// The content of an object, if it is there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let path = key::parse(key)?;
        let content = async { self.store.get(&path).await?.bytes().await };
        self.optional(content.await, "get", key)
    }

    /// The size of an object in bytes, if it is there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        let path = key::parse(key)?;
        let head = self.optional(self.store.head(&path).await, "size", key)?;
        Ok(head.map(|meta| meta.size))
    }

    /// The objects whose keys start with `prefix` (empty: all), ordered by key.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let folder = key::folder_of(prefix)?;
        let listed = self
            .store
            .list(folder.as_ref())
            .try_filter_map(async |meta| {
                let key = meta.location.as_ref();
                Ok(key.starts_with(prefix).then(|| Entry {
                    key: key.to_owned(),
                    bytes: meta.size,
                    modified: Timestamp::from_second(meta.last_modified.timestamp())
                        .unwrap_or_default(),
                }))
            });
        let mut entries: Vec<Entry> = listed
            .try_collect()
            .await
            .map_err(|error| self.failed("list", prefix, error))?;
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Deletes an object; one that is not there is success.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let path = key::parse(key)?;
        self.optional(self.store.delete(&path).await, "delete", key)?;
        Ok(())
    }

    /// Who wrote an object by [`Self::put_new`].
    async fn writer_of(
        &self,
        key: &str,
        path: &object_store::path::Path,
    ) -> Result<Option<String>, Error> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let found = self.optional(self.store.get_opts(path, options).await, "put_new", key)?;
        let writer = found.and_then(|it| {
            it.attributes
                .get(&Attribute::Metadata(WRITER.into()))
                .cloned()
        });
        Ok(writer.map(|value| value.as_ref().to_owned()))
    }

    fn optional<T>(
        &self,
        answer: object_store::Result<T>,
        operation: &'static str,
        key: &str,
    ) -> Result<Option<T>, Error> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(ref error @ object_store::Error::NotFound { .. }) if !refuses_the_bucket(error) => {
                Ok(None)
            }
            Err(error) => Err(self.failed(operation, key, error)),
        }
    }

    fn failed(&self, operation: &'static str, key: &str, error: object_store::Error) -> Error {
        use object_store::Error as E;
        match error {
            E::NotFound { .. } => {
                Error::missing_with(format!("the {} for {key}", self.name), error)
            }
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                Error::missing_with(format!("{} {key}", self.name), error)
            }
            E::AlreadyExists { .. } | E::Precondition { .. } => Error::Conflict {
                key: key.to_owned(),
            },
            // Some operations pass the service's answer on as it came.
            other if refuses_the_bucket(&other) => {
                Error::missing_with(format!("{} {key}", self.name), other)
            }
            other => Error::Unavailable {
                store: self.name,
                operation,
                source: Box::new(other),
            },
        }
    }
}

/// Whether S3 says that the bucket itself is not there or may not be read.
fn refuses_the_bucket(error: &object_store::Error) -> bool {
    let told = format!("{error:?}");
    ["NoSuchBucket", "AccessDenied"]
        .iter()
        .any(|code| told.contains(&format!("<Code>{code}</Code>")))
}
