//! Checks the keys of objects: a key must be a good name in a bucket as well as in a folder, and cannot leave the folder.

use object_store::path::Path;

use crate::Error;

/// Largest size of a whole key in bytes, which is the limit of S3.
const KEY_MAX_BYTES: usize = 1024;
/// Largest size of one part between slashes, in bytes. File names have 255 bytes, and a file that is being written has a
/// longer name than at the end.
const PART_MAX_BYTES: usize = 240;
/// Characters that have a meaning to a file system, a URL or a shell.
const FORBIDDEN: [char; 11] = ['\\', ':', '*', '?', '"', '<', '>', '|', '#', '%', '~'];

/// Parses a key into a path.
///
/// # Errors
/// [`Error::Limit`] with what is allowed.
pub(super) fn parse(key: &str) -> Result<Path, Error> {
    let refused = |limit: String| Error::limit(printable(key), limit);
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        return Err(refused(format!(
            "an object's key has 1 to {KEY_MAX_BYTES} bytes"
        )));
    }
    for part in key.split('/') {
        if part.is_empty() || part == "." || part == ".." || part.len() > PART_MAX_BYTES {
            return Err(refused(format!(
                "the parts of an object's key are neither empty nor dots alone, and at most {PART_MAX_BYTES} bytes"
            )));
        }
        if let Some(bad) = part
            .chars()
            .find(|c| c.is_control() || FORBIDDEN.contains(c))
        {
            return Err(refused(format!("an object's key may not contain {bad:?}")));
        }
    }
    Path::parse(key).map_err(|error| Error::Limit {
        what: printable(key),
        limit: "an object's key must be a path".to_owned(),
        source: Some(Box::new(error)),
    })
}

/// Returns the folder that holds all keys with a prefix; `None` is the root.
///
/// # Errors
/// As [`parse`], for the folder.
pub(super) fn parent_folder(prefix: &str) -> Result<Option<Path>, Error> {
    prefix
        .rsplit_once('/')
        .map(|(folder, _)| parse(folder))
        .transpose()
}

/// Returns the start of a key in a form that is safe in a message.
fn printable(key: &str) -> String {
    key.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_the_folder_or_name_no_file() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/./b",
            "a//b",
            "a/",
            ".",
            "a\\b",
            "a\0b",
            "c:x",
            "a#1",
        ] {
            assert!(matches!(parse(bad), Err(Error::Limit { .. })), "{bad:?}");
        }
        assert!(parse(&"x".repeat(241)).is_err());
        assert!(parse(&"x/".repeat(600)).is_err());
    }

    #[test]
    fn a_key_may_have_spaces_dots_and_any_script() {
        for good in ["archive/42.jsonl", "a b/c..d", "отчёт/日本.csv", ".hidden"] {
            assert_eq!(parse(good).expect("a good key").as_ref(), good);
        }
    }
}
