//! Masks in archives: personal data leaves an archive before it is written, and an archive with masks is merged again.
//!
//! A message is known by its text, among others. Before an archive with masks is merged with the messages that it was made from,
//! [`restore_known`] therefore gives its lines the texts of those messages back, as far as they are still at hand.

use super::archive::ArchiveLine;
use super::message::Message;
use crate::pii::{RedactionPolicy, SpeakerRole, detect_timed_turns, is_masked_form_of};

/// Masks the personal data in the lines of an archive, which are in order of time, and returns the number of masks.
pub fn mask_lines(lines: &mut [ArchiveLine], policy: &RedactionPolicy) -> usize {
    let turns = lines.iter().map(|line| {
        let message = &line.message;
        let role = SpeakerRole::from_label(&message.from.kind);
        (role, Some(message.timestamp_ms), message.text.as_str())
    });
    let found = detect_timed_turns(turns, policy);
    let mut masks = 0;
    for (line, findings) in lines.iter_mut().zip(found) {
        if !findings.is_empty() {
            masks += findings.len();
            line.message.text = policy.mask_findings(&line.message.text, &findings).0;
        }
    }
    masks
}

/// Gives the lines of an earlier archive the texts of known messages back, where a line is a message with masks.
pub fn restore_known<'m>(lines: &mut [ArchiveLine], known: impl IntoIterator<Item = &'m Message>) {
    for message in known {
        let line = lines.iter_mut().find(|line| {
            line.message.timestamp_ms == message.timestamp_ms
                && line.message.from == message.from
                && line.message.text != message.text
                && is_masked_form_of(&line.message.text, &message.text)
        });
        if let Some(line) = line {
            line.message.text.clone_from(&message.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::archive::Source;
    use super::super::merge::merge;
    use super::super::message::Sender;
    use super::*;

    fn message(kind: &str, text: &str, timestamp_ms: i64) -> Message {
        Message {
            conversation_id: "c-1".to_owned(),
            from: Sender {
                kind: kind.to_owned(),
                id: "u-1".to_owned(),
            },
            text: text.to_owned(),
            timestamp_ms,
        }
    }

    fn spoken() -> Vec<Message> {
        vec![
            message("agent", "card number please", 1_000),
            message("customer", "4111 1111", 4_000),
            message("agent", "okay", 5_000),
            message(
                "customer",
                "1111 1111 and my mail is jane@example.com",
                9_000,
            ),
        ]
    }

    #[test]
    fn a_number_over_several_messages_is_masked() {
        let mut lines: Vec<ArchiveLine> = spoken()
            .into_iter()
            .map(|message| ArchiveLine::new(message, Source::Both))
            .collect();
        assert_eq!(mask_lines(&mut lines, &RedactionPolicy::default()), 3);
        let texts: Vec<&str> = lines
            .iter()
            .map(|line| line.message.text.as_str())
            .collect();
        assert_eq!(
            texts,
            [
                "card number please",
                "[CARD]",
                "okay",
                "[CARD] and my mail is [EMAIL]"
            ]
        );
    }

    #[test]
    fn archiving_again_neither_doubles_nor_uncovers_a_message() {
        let policy = RedactionPolicy::default();
        let archive = |previous: Vec<ArchiveLine>, transcript: Vec<Message>| {
            let mut previous = previous;
            restore_known(&mut previous, &transcript);
            let mut lines = merge(previous, Vec::new(), Some(transcript), &[]);
            mask_lines(&mut lines, &policy);
            lines
        };
        let first = archive(Vec::new(), spoken());
        assert_eq!(archive(first.clone(), spoken()), first);
        let mut more = spoken();
        more.push(message("agent", "thank you", 12_000));
        assert_eq!(archive(first, more).len(), 5);
    }

    #[test]
    fn a_masked_text_is_a_form_of_the_texts_it_can_come_from() {
        for (masked, text, is_form) in [
            ("[CARD]", "4111", true),
            (
                "my card [CARD], mail [EMAIL]",
                "my card 4111, mail a@b.org",
                true,
            ),
            ("my card [CARD]!", "my card 4111", false),
            ("hello", "hello", true),
            ("hello", "hello you", false),
            ("████ is it", "421 is it", true),
            ("a [PIN] b", "b 1 a", false),
        ] {
            assert_eq!(is_masked_form_of(masked, text), is_form, "{masked} {text}");
        }
    }
}
