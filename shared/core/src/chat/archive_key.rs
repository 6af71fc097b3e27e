//! The key of the object that holds the archive of a conversation.

use sha2::{Digest, Sha256};

/// Characters that are not used in the key of an object.
const FORBIDDEN_CHARACTERS: &[char] =
    &['\\', ':', '*', '?', '"', '<', '>', '|', '#', '%', '~', '/'];
/// Longest conversation id in bytes that is used in the key of an object as it is.
const MAX_NAME_BYTES: usize = 220;

/// What the keys of archives and of cards end with.
const ARCHIVE_ENDING: &str = ".jsonl";
const CARD_ENDING: &str = ".card.json";

/// Returns whether a key is that of an archive, and not of what is stored beside it.
#[must_use]
pub fn is_archive_key(key: &str) -> bool {
    key.ends_with(ARCHIVE_ENDING)
}

/// Returns whether a key is that of the card of a conversation, which is stored beside its archive.
#[must_use]
pub fn is_card_key(key: &str) -> bool {
    key.ends_with(CARD_ENDING)
}

/// Returns the key of the object that holds the card of a conversation, beside its archive.
#[must_use]
pub fn card_key(conversation: &str) -> String {
    format!("{}{CARD_ENDING}", key_without_ending(conversation))
}

/// Returns the key of the object that holds the archive of a conversation.
///
/// A conversation id that is a safe file name is used as it is. Of any other id, the readable characters are used together
/// with a digest that tells ids apart.
#[must_use]
pub fn archive_key(conversation: &str) -> String {
    format!("{}{ARCHIVE_ENDING}", key_without_ending(conversation))
}

fn key_without_ending(conversation: &str) -> String {
    let is_safe = |c: char| !c.is_control() && !FORBIDDEN_CHARACTERS.contains(&c);
    if conversation.chars().all(is_safe)
        && !conversation.starts_with('.')
        && conversation.len() <= MAX_NAME_BYTES
    {
        return format!("archive/{conversation}");
    }
    let readable: String = conversation
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(100)
        .collect();
    let digest = Sha256::digest(conversation);
    let digest: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("archive/{readable}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_can_be_a_file_name_is_one() {
        assert_eq!(
            archive_key("c-12345678-90ab"),
            "archive/c-12345678-90ab.jsonl"
        );
        assert_eq!(archive_key("chat_7.a"), "archive/chat_7.a.jsonl");
    }

    #[test]
    fn a_card_lies_beside_its_archive_and_is_none() {
        assert_eq!(card_key("c-1"), "archive/c-1.card.json");
        assert!(is_card_key(&card_key("a/b")) && !is_archive_key(&card_key("a/b")));
        assert!(is_archive_key(&archive_key("c-1.card.json")));
    }

    #[test]
    fn other_ids_get_a_key_of_their_own_inside_the_folder() {
        let ids = [
            "../../etc/passwd",
            "a/b",
            "a:b",
            "a_2f_b",
            "..",
            ".",
            "a#b",
            &"日".repeat(66),
            &"x/".repeat(100),
        ];
        let keys: std::collections::HashSet<String> =
            ids.iter().map(|id| archive_key(id)).collect();
        assert_eq!(keys.len(), ids.len());
        for key in keys {
            let name = key.strip_prefix("archive/").unwrap();
            assert!(
                !name.contains('/') && !name.starts_with('.') && name.len() <= 240,
                "{key}"
            );
        }
    }
}
