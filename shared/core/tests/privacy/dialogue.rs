//! A generated conversation, which knows where its secrets stand.

use std::ops::Range;

use insights_core::pii::{PiiKind, SpeakerRole};

/// One turn of a generated conversation.
pub(crate) struct DialogueTurn {
    pub(crate) role: SpeakerRole,
    pub(crate) at_ms: i64,
    pub(crate) text: String,
}

/// One secret of a conversation: its kind and every place where a piece of the secret is said.
pub(crate) struct Secret {
    pub(crate) kind: PiiKind,
    /// Whether the secret is said in several turns, or with words between its pieces.
    pub(crate) in_pieces: bool,
    /// The turn and the place in the turn of each piece, in bytes.
    pub(crate) pieces: Vec<(usize, Range<usize>)>,
}

/// A generated conversation with its secrets.
#[derive(Default)]
pub(crate) struct Dialogue {
    pub(crate) turns: Vec<DialogueTurn>,
    pub(crate) secrets: Vec<Secret>,
    clock_ms: i64,
}

impl Dialogue {
    /// Begins a turn; consecutive turns are a few seconds apart.
    pub(crate) fn begin_turn(&mut self, role: SpeakerRole) {
        self.clock_ms += 2_500;
        self.turns.push(DialogueTurn {
            role,
            at_ms: self.clock_ms,
            text: String::new(),
        });
    }

    /// Adds a whole turn without a secret.
    pub(crate) fn say(&mut self, role: SpeakerRole, text: &str) {
        self.begin_turn(role);
        self.write(text);
    }

    /// Adds words without a secret to the last turn.
    pub(crate) fn write(&mut self, text: &str) {
        if let Some(turn) = self.turns.last_mut() {
            turn.text.push_str(text);
        }
    }

    /// Adds a new secret without any piece and returns its number.
    pub(crate) fn add_secret(&mut self, kind: PiiKind, in_pieces: bool) -> usize {
        self.secrets.push(Secret {
            kind,
            in_pieces,
            pieces: Vec::new(),
        });
        self.secrets.len() - 1
    }

    /// Adds a piece of a secret to the last turn.
    pub(crate) fn write_piece(&mut self, secret: usize, text: &str) {
        let turn = self.turns.len() - 1;
        let start = self.turns[turn].text.len();
        self.write(text);
        self.secrets[secret]
            .pieces
            .push((turn, start..start + text.len()));
    }

    /// Adds a sentence in which `{}` stands for a piece of a secret.
    pub(crate) fn write_around(&mut self, secret: usize, sentence: &str, piece: &str) {
        let (before, after) = sentence.split_once("{}").unwrap_or((sentence, ""));
        self.write(before);
        self.write_piece(secret, piece);
        self.write(after);
    }
}
