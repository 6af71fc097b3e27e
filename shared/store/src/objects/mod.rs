//! Objects: whole files under slash-separated keys, in an S3 bucket or in a folder. Reports and archives are kept here.

#[cfg(any(feature = "aws", feature = "queue"))]
mod earlier_versions;
mod key;
#[cfg(any(feature = "aws", feature = "queue"))]
mod s3;

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::{
    Attribute, Attributes, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, UpdateVersion,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::private::create_private_folder;
use crate::{Cause, Error};

#[cfg(any(feature = "aws", feature = "queue"))]
pub use self::earlier_versions::EarlierVersion;

/// The metadata entry by which a writer recognizes its own object.
const WRITER_METADATA: &str = "writer";

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The key of the object.
    pub key: String,
    /// The size of the object, in bytes.
    pub bytes: u64,
    /// The moment at which the object was written.
    pub modified: Timestamp,
}

/// The version of an object that was read, for a write that must not replace another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion(UpdateVersion);

/// The object store: a bucket or a folder. Writes are atomic: a reader sees an object whole or not at all. Clones share
/// the connections.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The kind of the store, `S3` or `folder`, as errors name it.
    name: &'static str,
    /// Whether objects carry metadata (S3) or only bytes (a folder).
    metadata: bool,
    /// Orders the conditional writes of this process where the store has none of its own (a folder).
    replacing: Arc<Mutex<()>>,
    /// The access to earlier versions of a bucket; a folder keeps none.
    #[cfg(any(feature = "aws", feature = "queue"))]
    versions: Option<Arc<earlier_versions::BucketVersions>>,
}

impl Objects {
    /// Opens a folder, which is created for this user alone if it does not exist.
    ///
    /// # Errors
    /// [`Error::Missing`] if the folder cannot be created or entered.
    pub fn open_folder(path: impl AsRef<FilePath>) -> Result<Self, Error> {
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
            replacing: Arc::default(),
            #[cfg(any(feature = "aws", feature = "queue"))]
            versions: None,
        })
    }

    /// Wraps another store than those of the product, such as that of a simulation.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            name: "the object store",
            metadata: true,
            replacing: Arc::default(),
            #[cfg(any(feature = "aws", feature = "queue"))]
            versions: None,
        }
    }

    /// Opens a bucket of S3. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Missing`] if the configuration names no region or no credentials, or the name of the bucket is impossible.
    #[cfg(any(feature = "aws", feature = "queue"))]
    pub fn open_bucket(config: &aws_config::SdkConfig, bucket: &str) -> Result<Self, Error> {
        let versions = s3::open_bucket(config, bucket)?;
        Ok(Self {
            store: Arc::clone(&versions.store) as Arc<dyn ObjectStore>,
            name: "S3",
            metadata: true,
            replacing: Arc::default(),
            versions: Some(Arc::new(versions)),
        })
    }

    /// Writes an object, in place of one that exists.
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

    /// Creates an object; exactly one of several writers succeeds.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the key is taken; otherwise as [`Self::put`]. A retry inside the store does not mistake
    /// its own first attempt for another writer.
    pub async fn put_new(&self, key: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        self.put_if("put_new", key, content.into(), PutMode::Create)
            .await
    }

    /// Replaces the version of an object that [`Self::get_with_version`] returned; exactly one of several writers succeeds.
    ///
    /// A folder has no conditional writes: there, this holds among the writers of one process, and another process can come
    /// between by a hair.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the object has another version by now, or is gone; otherwise as [`Self::put`]. A retry inside the
    /// store does not mistake its own first attempt for another writer.
    pub async fn put_over(
        &self,
        key: &str,
        content: impl Into<Bytes>,
        version: &ObjectVersion,
    ) -> Result<(), Error> {
        if self.metadata {
            let mode = PutMode::Update(version.0.clone());
            return self.put_if("put_over", key, content.into(), mode).await;
        }
        let path = key::parse(key)?;
        let _replacing = self.replacing.lock().await;
        let head = self.optional(self.store.head(&path).await, "put_over", key)?;
        if head.and_then(|meta| meta.e_tag) != version.0.e_tag {
            return Err(Error::Conflict {
                key: key.to_owned(),
            });
        }
        self.put(key, content).await
    }

    /// Returns the content of an object and its version, if it exists.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn get_with_version(
        &self,
        key: &str,
    ) -> Result<Option<(Bytes, ObjectVersion)>, Error> {
        let path = key::parse(key)?;
        let found = async {
            let found = self.store.get(&path).await?;
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            Ok((found.bytes().await?, ObjectVersion(version)))
        };
        self.optional(found.await, "get", key)
    }

    /// Writes an object under a condition that the store checks.
    async fn put_if(
        &self,
        operation: &'static str,
        key: &str,
        content: Bytes,
        mode: PutMode,
    ) -> Result<(), Error> {
        let path = key::parse(key)?;
        let content = PutPayload::from_bytes(content);
        let writer = Uuid::new_v4().to_string();
        let mut options = PutOptions::from(mode);
        if self.metadata {
            options.attributes = Attributes::from_iter([(
                Attribute::Metadata(WRITER_METADATA.into()),
                writer.clone(),
            )]);
        }
        match self.store.put_opts(&path, content, options).await {
            Ok(_) => Ok(()),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => {
                if self.metadata && self.read_writer(key, &path).await?.as_deref() == Some(&writer)
                {
                    return Ok(());
                }
                Err(Error::Conflict {
                    key: key.to_owned(),
                })
            }
            Err(error) => Err(self.failed(operation, key, error)),
        }
    }

    /// Begins an object that is written piece by piece, in place of one that exists. Nobody sees the object before
    /// [`Upload::finish`]. Memory holds a few pieces of some megabytes, however large the object becomes.
    ///
    /// # Errors
    /// [`Error::Limit`] for a key that is not allowed.
    pub fn upload(&self, key: &str) -> Result<Upload, Error> {
        let path = key::parse(key)?;
        Ok(Upload {
            key: key.to_owned(),
            writer: BufWriter::new(Arc::clone(&self.store), path),
            objects: self.clone(),
        })
    }

    /// Returns the content of an object, if it exists.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let path = key::parse(key)?;
        let content = async { self.store.get(&path).await?.bytes().await };
        self.optional(content.await, "get", key)
    }

    /// Returns the size of an object in bytes, if it exists.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        let path = key::parse(key)?;
        let head = self.optional(self.store.head(&path).await, "size", key)?;
        Ok(head.map(|meta| meta.size))
    }

    /// Lists the objects whose keys start with `prefix` (empty: all objects), ordered by key.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectEntry>, Error> {
        let folder = key::parent_folder(prefix)?;
        let listed = self
            .store
            .list(folder.as_ref())
            .try_filter_map(async |meta| {
                let key = meta.location.as_ref();
                Ok(key.starts_with(prefix).then(|| ObjectEntry {
                    key: key.to_owned(),
                    bytes: meta.size,
                    modified: Timestamp::from_second(meta.last_modified.timestamp())
                        .unwrap_or_default(),
                }))
            });
        let mut entries: Vec<ObjectEntry> = listed
            .try_collect()
            .await
            .map_err(|error| self.failed("list", prefix, error))?;
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Deletes the object at a key. An object that does not exist is success.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let path = key::parse(key)?;
        self.optional(self.store.delete(&path).await, "delete", key)?;
        Ok(())
    }

    /// Lists the earlier versions of all objects whose keys start with `prefix`, marks of deletions last; the list is empty where the
    /// store keeps none.
    ///
    /// # Errors
    /// As [`Self::put`].
    #[cfg(any(feature = "aws", feature = "queue"))]
    pub async fn list_earlier_versions(&self, prefix: &str) -> Result<Vec<EarlierVersion>, Error> {
        match &self.versions {
            Some(versions) => versions.list(prefix).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns the content of an earlier version, if it still exists.
    ///
    /// # Errors
    /// As [`Self::put`].
    #[cfg(any(feature = "aws", feature = "queue"))]
    pub async fn get_earlier(&self, version: &EarlierVersion) -> Result<Option<Bytes>, Error> {
        let path = key::parse(&version.key)?;
        let options = GetOptions {
            version: Some(version.id.clone()),
            ..GetOptions::default()
        };
        let content = async { self.store.get_opts(&path, options).await?.bytes().await };
        self.optional(content.await, "get_version", &version.key)
    }

    /// Deletes an earlier version for good. A version that does not exist is success.
    ///
    /// # Errors
    /// As [`Self::put`].
    #[cfg(any(feature = "aws", feature = "queue"))]
    pub async fn delete_earlier(&self, version: &EarlierVersion) -> Result<(), Error> {
        match &self.versions {
            Some(versions) => versions.delete(version).await,
            None => Ok(()),
        }
    }

    /// Reads which writer wrote an object under a condition.
    async fn read_writer(
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
                .get(&Attribute::Metadata(WRITER_METADATA.into()))
                .cloned()
        });
        Ok(writer.map(|value| value.as_ref().to_owned()))
    }

    /// Returns the value of an answer, and `None` if the object does not exist.
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

    /// Returns what an error of the client means to the caller.
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
            // Some operations pass the answer of the service on as it came.
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
    /// Adds a piece to the end of the object.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub async fn write(&mut self, piece: impl Into<Bytes>) -> Result<(), Error> {
        let written = self.writer.put(piece.into()).await;
        written.map_err(|error| self.objects.failed("upload", &self.key, error))
    }

    /// Completes the object, which takes the place of an earlier one.
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

/// Returns whether S3 says that the bucket itself does not exist or may not be read.
fn refuses_the_bucket(error: &object_store::Error) -> bool {
    let answer = format!("{error:?}");
    ["NoSuchBucket", "AccessDenied"]
        .iter()
        .any(|code| answer.contains(&format!("<Code>{code}</Code>")))
}
