//! Conversations with the masks that they had when the file was recorded: whatever a change of the detector masks or leaves differently
//! is seen here, and in the difference of the file, sentence by sentence.
//!
//! The floors of the other tests allow some misses, so that they overlook a rule that no longer works. A change that is meant records
//! the file again: `UPDATE_MASKS=1 cargo test -p insights-core --test privacy recorded`.

use std::fmt::Write as _;
use std::path::Path;

use insights_core::pii::SpeakerRole;

use crate::dialogue::Dialogue;
use crate::dice::Dice;
use crate::evaluation::mask;
use crate::wordings::Wordings;
use crate::{blind, development, fresh, held_out, scenarios, written};

/// Number of generated conversations of each set of wordings.
const CONVERSATIONS: usize = 90;

const FILE: &str = "tests/fixtures/recorded_masks.txt";

/// Adds a conversation, in which a mask is written as `[kind: text]`.
fn write_masked(page: &mut String, title: &str, dialogue: &Dialogue) {
    let _ = writeln!(page, "# {title}");
    for (turn, mut masks) in dialogue.turns.iter().zip(mask(dialogue)) {
        let speaker = if turn.role == SpeakerRole::Agent {
            'A'
        } else {
            'C'
        };
        masks.sort_by_key(|(_, range)| range.start);
        let mut line = format!("{speaker}: ");
        let mut written_to = 0;
        for (kind, range) in masks {
            line.push_str(&turn.text[written_to.min(range.start)..range.start]);
            let _ = write!(line, "[{}: {}]", kind.name(), &turn.text[range.clone()]);
            written_to = range.end;
        }
        line.push_str(&turn.text[written_to..]);
        let _ = writeln!(page, "{}", line.replace('\n', "\\n"));
    }
}

fn generate(page: &mut String, name: &str, wordings: &Wordings) {
    let mut dice = Dice::new(11);
    for number in 1..=CONVERSATIONS {
        let dialogue = scenarios::make(wordings, &mut dice);
        write_masked(page, &format!("{name} {number}"), &dialogue);
    }
}

fn page() -> String {
    let mut page = String::new();
    for (number, conversation) in written::conversations().enumerate() {
        let mut dialogue = Dialogue::default();
        for (role, text) in written::turns_of(conversation) {
            dialogue.say(role, text);
        }
        write_masked(&mut page, &format!("written {}", number + 1), &dialogue);
    }
    generate(&mut page, "development", &development::DEVELOPMENT);
    generate(&mut page, "held out", &held_out::HELD_OUT);
    generate(&mut page, "fresh", &fresh::FRESH);
    generate(&mut page, "blind", &blind::BLIND);
    page
}

#[test]
fn recorded_conversations_keep_their_masks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let page = page();
    if std::env::var_os("UPDATE_MASKS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    let differences: Vec<String> = recorded
        .lines()
        .zip(page.lines())
        .filter(|(before, after)| before != after)
        .take(20)
        .map(|(before, after)| format!("was {before}\nis  {after}"))
        .collect();
    assert!(
        recorded == page,
        "{} has other masks; `UPDATE_MASKS=1` records them\n{}",
        FILE,
        differences.join("\n")
    );
}
