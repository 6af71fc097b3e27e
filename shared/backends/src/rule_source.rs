//! The configured rule file of a function: read at start and again from time to time; the last good one is kept.
//!
//! A file that cannot be read or is refused changes nothing but the metric `rules_file_rejected`: the rules of before stay. The last
//! good file is also kept in the state store, because a process that starts while the file is bad has no rules of before.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use insights_core::WithCauses;
use insights_core::rules::RuleFile;
use jiff::Timestamp;
use runtime::metrics;
use serde::{Deserialize, Serialize};
use store::state::{Expect, Key, Put, StateStore};

use crate::settings::{ObjectSettings, RuleFileSettings};

/// What the value of the setting begins with if the file is an object of the bucket.
const OBJECT_PREFIX: &str = "object:";
/// Longest time for one read of the file.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The last good file as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredRules {
    text: String,
}

/// A reader of the file's text.
#[derive(Debug, Clone)]
enum RulePlace {
    /// A file that lies beside the function, or on a laptop.
    File(std::path::PathBuf),
    /// An object of the bucket.
    #[cfg(feature = "objects")]
    Object(store::objects::Objects, String),
}

/// The source of a function's rules. A function without a rule file has a source without rules.
#[derive(Debug)]
pub struct RuleSource<S> {
    place: Option<RulePlace>,
    state: S,
    reload: Duration,
    current: RwLock<Option<Arc<RuleFile>>>,
    /// The text that was read last, and when.
    last_read: Mutex<(String, Option<Instant>)>,
}

impl<S: StateStore> RuleSource<S> {
    /// Builds the source and reads the file for the first time.
    ///
    /// # Errors
    /// If the setting names an object and the function has no bucket. A file that is bad is no error: it is reported, and the last
    /// good one is used.
    pub async fn open(
        backends: &crate::Backends,
        settings: &RuleFileSettings,
        objects: &ObjectSettings,
        state: S,
    ) -> anyhow::Result<Self> {
        let place = match settings.file.as_deref() {
            None => None,
            Some(file) => Some(match file.strip_prefix(OBJECT_PREFIX) {
                #[cfg(feature = "objects")]
                Some(key) => RulePlace::Object(backends.objects(objects)?, key.to_owned()),
                #[cfg(not(feature = "objects"))]
                Some(_) => {
                    anyhow::bail!("RULES_FILE names an object, and this function reads none")
                }
                None => RulePlace::File(file.into()),
            }),
        };
        #[cfg(not(feature = "objects"))]
        let _ = (backends, objects);
        let source = Self {
            place,
            state,
            reload: settings.reload,
            current: RwLock::new(None),
            last_read: Mutex::new((String::new(), None)),
        };
        source.refresh().await;
        Ok(source)
    }

    /// Returns the rules that hold now; `None` without a rule file.
    #[must_use]
    pub fn current(&self) -> Option<Arc<RuleFile>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the file again if it is time for it.
    pub async fn refresh(&self) {
        let Some(place) = &self.place else { return };
        {
            let mut last = self
                .last_read
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if last.1.is_some_and(|at| at.elapsed() < self.reload) {
                return;
            }
            last.1 = Some(Instant::now());
        }
        match tokio::time::timeout(READ_TIMEOUT, read(place)).await {
            Ok(Ok(text)) => self.take(text).await,
            Ok(Err(error)) => {
                metrics::count("rules_file_rejected", 1);
                tracing::error!(
                    cause = %WithCauses(error.as_ref()),
                    "the rule file was not read, the last good one is used"
                );
                self.use_stored().await;
            }
            Err(elapsed) => {
                metrics::count("rules_file_rejected", 1);
                tracing::error!(
                    cause = %WithCauses(&elapsed),
                    "the rule file was not read in time, the last good one is used"
                );
                self.use_stored().await;
            }
        }
    }

    /// Uses a text that was read, unless it is the one of before.
    async fn take(&self, text: String) {
        let is_known = {
            let last = self
                .last_read
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            last.0 == text && self.current().is_some()
        };
        if is_known {
            return;
        }
        match RuleFile::from_toml(&text) {
            Ok(file) => {
                tracing::info!(
                    version = file.version(),
                    rules = file.rules().len(),
                    "the rules of the rule file are used from now on"
                );
                self.set(file);
                self.keep(&text).await;
                self.last_read
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .0 = text;
            }
            Err(error) => {
                metrics::count("rules_file_rejected", 1);
                tracing::error!(
                    cause = %WithCauses(&error),
                    "the rule file was refused, the last good one is used"
                );
                self.use_stored().await;
            }
        }
    }

    fn set(&self, file: RuleFile) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(file));
    }

    /// Keeps a good file for processes that start while the file is bad.
    async fn keep(&self, text: &str) {
        let now = Timestamp::now();
        let key = stored_key();
        let stored = match self.state.get(&key, now).await {
            Ok(item) => item.and_then(|item| item.decode::<StoredRules>().ok()),
            Err(_) => None,
        };
        if stored.is_some_and(|stored| stored.text == text) {
            return;
        }
        let body = StoredRules {
            text: text.to_owned(),
        };
        let written = async {
            let put = Put::encode(key, &body, None)?;
            self.state.put(put, Expect::Any, now).await
        };
        if let Err(error) = written.await {
            metrics::count_store_error();
            tracing::warn!(
                cause = %WithCauses(&error),
                "the rule file was not kept as the last good one"
            );
        }
    }

    /// Uses the last good file, if this process has no rules yet.
    async fn use_stored(&self) {
        if self.current().is_some() {
            return;
        }
        let stored = match self.state.get(&stored_key(), Timestamp::now()).await {
            Ok(item) => item,
            Err(error) => {
                metrics::count_store_error();
                tracing::warn!(
                    cause = %WithCauses(&error),
                    "the last good rule file was not read"
                );
                return;
            }
        };
        let text = stored.and_then(|item| item.decode::<StoredRules>().ok());
        if let Some(file) = text.and_then(|stored| RuleFile::from_toml(&stored.text).ok()) {
            self.set(file);
        }
    }
}

fn stored_key() -> Key {
    Key::new("rules", "last-good")
}

async fn read(place: &RulePlace) -> anyhow::Result<String> {
    let bytes: Vec<u8> = match place {
        RulePlace::File(path) => tokio::fs::read(path).await?,
        #[cfg(feature = "objects")]
        RulePlace::Object(objects, key) => {
            let read = objects.get(key).await?;
            let found = read.ok_or_else(|| anyhow::anyhow!("there is no object {key}"))?;
            found.to_vec()
        }
    };
    Ok(String::from_utf8(bytes)?)
}
