//! Sends dead letters back to the queue.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use insights_http::Deadline;
use jiff::Timestamp;
use store::queue::{HeldDeadLetter, SqsDeadLetters};

use crate::Deps;
use crate::task::Reply;

/// How long a dead letter that is looked at stays hidden from others, if this function ends without releasing it.
const HOLD: Duration = Duration::from_secs(900);

/// Sends back the dead letters of before the moment `before` whose reason contains `reason`, until none is left or the time
/// ends. A message that becomes a dead letter again is of a later moment and stays.
///
/// # Errors
/// If the queues do not answer; what was sent back until then is sent back.
pub(crate) async fn redrive(
    deps: &Deps,
    reason: Option<&str>,
    before: Timestamp,
    stop: Deadline,
) -> anyhow::Result<Reply> {
    let letters = deps
        .dead_letters
        .as_ref()
        .context("dead letters of a laptop are sent back by `cxone-insights dlq redrive`")?;
    let mut kept = Vec::new();
    let result = send_back(letters, reason, before, stop, &mut kept).await;
    // Even after a failure, the letters that stay become visible to others.
    for letter in &kept {
        letters.release(letter).await?;
    }
    let mut reply = result?;
    if !reply.done {
        reply.cursor = Some(serde_json::to_value(before)?);
    }
    Ok(reply)
}

async fn send_back(
    letters: &SqsDeadLetters,
    reason: Option<&str>,
    before: Timestamp,
    stop: Deadline,
    kept: &mut Vec<HeldDeadLetter>,
) -> anyhow::Result<Reply> {
    let mut reply = Reply::default();
    let mut seen = HashSet::new();
    while !stop.has_passed() {
        let batch = letters.hold(HOLD).await?;
        let mut has_new = false;
        for letter in batch {
            has_new |= seen.insert(letter.id.clone());
            let is_earlier = letter.sent_at.is_none_or(|sent_at| sent_at <= before);
            let is_wanted = reason.is_none_or(|reason| letter.reason.contains(reason));
            if is_earlier && is_wanted {
                letters.send_back(&letter).await?;
                reply.count("sent_back", 1);
            } else {
                reply.count("kept", 1);
                kept.push(letter);
            }
        }
        if !has_new {
            reply.done = true;
            break;
        }
    }
    Ok(reply)
}
