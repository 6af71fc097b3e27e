//! The objects that hold something of a conversation: its archive, and the files of reports, each with its earlier versions.

use serde::{Deserialize, Serialize};

#[cfg(feature = "erasure")]
pub use self::erase::{ErasedObjects, erase_objects};

/// Where an erasure goes on among the objects of reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCursor {
    /// Whether the earlier versions are looked through; before them come the objects as they are.
    pub among_earlier: bool,
    /// The key of the object that was looked through last.
    pub after: String,
}

#[cfg(feature = "erasure")]
mod erase {
    use anyhow::Context;
    use insights_core::chat::archive_key::{archive_key, card_key};
    use insights_http::Deadline;
    use store::Error;
    use store::objects::Objects;

    use super::ObjectCursor;
    use crate::erasure::file_contents::{Filter, filter_of};

    /// Number of attempts to write a file of a report again that others write at the same time.
    const MAX_ATTEMPTS: usize = 5;

    /// What an erasure has done with the objects so far.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ErasedObjects {
        /// Number of objects and versions that were deleted, or written again without the conversation.
        pub changed: usize,
        /// Where the erasure goes on; `None` if it is done.
        pub resume_at: Option<ObjectCursor>,
    }

    /// Deletes the archive of a conversation and its card, and writes the files of reports below `folders` again without it, until all are looked
    /// through or the time ends. Earlier versions that hold the conversation are deleted for good.
    ///
    /// # Errors
    /// If the store fails, or a file of a report cannot be read.
    pub async fn erase_objects(
        objects: &Objects,
        conversation: &str,
        folders: &[&str],
        start: ObjectCursor,
        stop: Deadline,
    ) -> anyhow::Result<ErasedObjects> {
        let mut erased = ErasedObjects::default();
        erased.changed += erase_archive(objects, conversation).await?;
        let mut cursor = start;
        if !cursor.among_earlier {
            for key in keys_after(objects, folders, &cursor.after).await? {
                if stop.has_passed() {
                    erased.resume_at = Some(cursor);
                    return Ok(erased);
                }
                if let Some(filter) = filter_of(&key) {
                    erased.changed +=
                        usize::from(rewrite(objects, &key, conversation, filter).await?);
                }
                cursor.after = key;
            }
            cursor = ObjectCursor {
                among_earlier: true,
                after: String::new(),
            };
        }
        for folder in folders {
            let earlier = objects.list_earlier_versions(folder).await?;
            for version in earlier.iter().filter(|version| !version.is_deletion) {
                let Some(filter) = filter_of(&version.key).filter(|_| version.key > cursor.after)
                else {
                    continue;
                };
                if stop.has_passed() {
                    erased.resume_at = Some(cursor);
                    return Ok(erased);
                }
                let Some(content) = objects.get_earlier(version).await? else {
                    continue;
                };
                // A version that cannot be read may hold the conversation.
                if filter(&content, conversation).map_or(true, |left| left.is_some()) {
                    objects.delete_earlier(version).await?;
                    erased.changed += 1;
                }
            }
        }
        Ok(erased)
    }

    async fn erase_archive(objects: &Objects, conversation: &str) -> anyhow::Result<usize> {
        let mut changed = 0;
        for key in [archive_key(conversation), card_key(conversation)] {
            changed += erase_object(objects, &key).await?;
        }
        Ok(changed)
    }

    async fn erase_object(objects: &Objects, key: &str) -> anyhow::Result<usize> {
        let mut changed = 0;
        if objects.size(key).await?.is_some() {
            let deleted = objects.delete(key).await;
            deleted.with_context(|| format!("{key} was not deleted"))?;
            changed += 1;
        }
        let earlier = objects.list_earlier_versions(key).await?;
        for version in earlier.iter().filter(|version| version.key == key) {
            objects.delete_earlier(version).await?;
            changed += usize::from(!version.is_deletion);
        }
        Ok(changed)
    }

    /// Returns the keys of the folders in the order in which they are looked through, from behind a key on.
    async fn keys_after(
        objects: &Objects,
        folders: &[&str],
        after: &str,
    ) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        for folder in folders {
            let entries = objects.list(folder).await?;
            keys.extend(entries.into_iter().map(|entry| entry.key));
        }
        keys.sort_unstable();
        keys.retain(|key| key.as_str() > after);
        Ok(keys)
    }

    /// Writes an object again without a conversation, over the version that was read. Returns whether something of it was there.
    async fn rewrite(
        objects: &Objects,
        key: &str,
        conversation: &str,
        filter: Filter,
    ) -> anyhow::Result<bool> {
        for _ in 0..MAX_ATTEMPTS {
            let Some((content, version)) = objects.get_with_version(key).await? else {
                return Ok(false);
            };
            let left =
                filter(&content, conversation).with_context(|| format!("{key} cannot be read"))?;
            let Some(left) = left else {
                return Ok(false);
            };
            match objects.put_over(key, left, &version).await {
                Ok(()) => return Ok(true),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("write conflict: others wrote {key} {MAX_ATTEMPTS} times in a row")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const FOLDERS: [&str; 2] = ["reports/", "parts/"];

        async fn erase(objects: &Objects, start: ObjectCursor, stop: Deadline) -> ErasedObjects {
            erase_objects(objects, "c-1", &FOLDERS, start, stop)
                .await
                .unwrap()
        }

        fn soon() -> Deadline {
            Deadline::within(std::time::Duration::from_secs(60))
        }

        async fn filled(folder: &std::path::Path) -> Objects {
            let objects = Objects::open_folder(folder).unwrap();
            for (key, content) in [
                ("archive/c-1.jsonl", "{\"conversationId\":\"c-1\"}\n"),
                ("archive/c-2.jsonl", "{\"conversationId\":\"c-2\"}\n"),
                ("archive/c-1.card.json", "{\"conversation_id\":\"c-1\"}"),
                ("archive/c-2.card.json", "{\"conversation_id\":\"c-2\"}"),
                ("reports/r/conversations.csv", "conversation_id\nc-1\nc-2\n"),
                (
                    "parts/all/00000.jsonl",
                    "{\"conversation_id\":\"c-1\"}\n{\"conversation_id\":\"c-2\"}\n",
                ),
            ] {
                objects.put(key, content).await.unwrap();
            }
            objects
        }

        async fn assert_erased(objects: &Objects) {
            for entry in objects.list("").await.unwrap() {
                let content = objects.get(&entry.key).await.unwrap().unwrap();
                let content = String::from_utf8_lossy(&content);
                assert!(!content.contains("c-1"), "{}", entry.key);
                assert!(content.contains("c-2"), "{}", entry.key);
            }
            assert!(objects.get("archive/c-2.jsonl").await.unwrap().is_some());
        }

        #[tokio::test]
        async fn an_archive_and_the_files_of_a_report_are_cleared() {
            let folder = tempfile::tempdir().unwrap();
            let objects = filled(folder.path()).await;
            let erased = erase(&objects, ObjectCursor::default(), soon()).await;
            assert_eq!((erased.changed, erased.resume_at), (4, None));
            assert_erased(&objects).await;
            let again = erase(&objects, ObjectCursor::default(), soon()).await;
            assert_eq!(again, ErasedObjects::default());
        }

        #[tokio::test]
        async fn an_erasure_without_time_says_where_it_goes_on() {
            let folder = tempfile::tempdir().unwrap();
            let objects = filled(folder.path()).await;
            let passed = Deadline::within(std::time::Duration::ZERO);
            let begun = erase(&objects, ObjectCursor::default(), passed).await;
            assert_eq!(begun.changed, 2, "archive and card are erased in any case");
            let rest = erase(&objects, begun.resume_at.unwrap(), soon()).await;
            assert_eq!((rest.changed, rest.resume_at), (2, None));
            assert_erased(&objects).await;
        }
    }
}
