//! What supervisors said of hits: marks in a file, or those that the board has stored.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use insights_core::board::{AlertMark, MarkKind};
use jiff::Timestamp;
use serde::Deserialize;
use store::state::StateStore;

/// Number of conversations whose marks are read at the same time.
const CONCURRENT_READS: usize = 16;

/// A mark of a supervisor that a hit was wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct WrongMark {
    /// The id of the conversation.
    #[serde(alias = "interaction_id", alias = "conversationId", alias = "id")]
    pub(crate) conversation_id: String,
    /// The id of the rule.
    #[serde(alias = "rule_id")]
    pub(crate) rule: String,
}

/// Reads marks from JSON Lines.
pub(super) fn read_file(file: &Path) -> anyhow::Result<BTreeSet<WrongMark>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}, line {}", file.display(), number + 1))
        })
        .collect()
}

/// Reads the marks "wrong" and the contests that the state store holds of conversations; `None` if there are none, because then
/// nobody has looked.
pub(super) async fn read_stored<S: StateStore>(
    state: &S,
    conversations: impl IntoIterator<Item = &str>,
) -> anyhow::Result<Option<BTreeSet<WrongMark>>> {
    let now = Timestamp::now();
    let marks: Vec<Vec<WrongMark>> = stream::iter(conversations)
        .map(|id| async move {
            let marks = backends::board::read_marks(state, id, now).await;
            let marks = marks.with_context(|| format!("the marks of {id} were not read"))?;
            anyhow::Ok(wrong_rules(id, &marks))
        })
        .buffered(CONCURRENT_READS)
        .try_collect()
        .await?;
    let wrong: BTreeSet<WrongMark> = marks.into_iter().flatten().collect();
    Ok((!wrong.is_empty()).then_some(wrong))
}

/// Returns the rules whose alerts were wrong in a conversation, of its marks in order of time. What was taken back is not wrong.
fn wrong_rules(conversation: &str, marks: &[AlertMark]) -> Vec<WrongMark> {
    let mut rules: Vec<&AlertMark> = Vec::new();
    for mark in marks {
        match mark.kind {
            MarkKind::Wrong | MarkKind::Contested => rules.push(mark),
            MarkKind::Reopened => rules.retain(|known| known.kind == MarkKind::Contested),
            MarkKind::Acknowledged | MarkKind::Snoozed => {}
        }
    }
    rules
        .into_iter()
        .map(|mark| WrongMark {
            conversation_id: conversation.to_owned(),
            rule: mark.alert.rule.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use insights_core::board::AlertReference;

    use super::*;

    fn mark(kind: MarkKind, rule: &str, at_ms: i64) -> AlertMark {
        AlertMark {
            alert: AlertReference {
                rule: rule.to_owned(),
                version: "v".to_owned(),
                at_ms: 7,
            },
            kind,
            by: "Grace".to_owned(),
            key: "floor".to_owned(),
            at_ms,
            until_ms: None,
            reason: None,
        }
    }

    #[test]
    fn what_was_taken_back_is_not_wrong_and_a_contest_stays() {
        let marks = [
            mark(MarkKind::Wrong, "refund", 1),
            mark(MarkKind::Contested, "greeting", 2),
            mark(MarkKind::Reopened, "refund", 3),
            mark(MarkKind::Snoozed, "quiet", 4),
            mark(MarkKind::Wrong, "legal", 5),
        ];
        let wrong = wrong_rules("c", &marks);
        let rules: Vec<&str> = wrong.iter().map(|mark| mark.rule.as_str()).collect();
        assert_eq!(rules, ["greeting", "legal"]);
    }
}
