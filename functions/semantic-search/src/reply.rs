//! The reply: hits as JSON, within what a caller reads.

use insights_core::pii::{RedactionPolicy, redact_text};
use runtime::http::reply::{self, MAX_REPLY_BYTES};
use runtime::{Failure, Response};
use serde_json::{Value, json};
use store::vectors::SearchHit;

/// Lengths that texts are cut to, in characters, until the reply fits; then the last hits are left out.
const TEXT_LENGTHS: [usize; 6] = [4000, 2000, 1000, 500, 250, 120];

/// Builds the reply `{"results": [...], "truncated": bool}` of at most 32 KB: texts are cut first, then the least relevant hits.
/// With a policy, what was stored unmasked is masked in the reply.
pub fn reply(hits: Vec<SearchHit>, policy: Option<&RedactionPolicy>) -> Result<Response, Failure> {
    let hits = &masked(hits, policy)[..];
    let whole = body(hits, usize::MAX, false);
    if whole.to_string().len() < MAX_REPLY_BYTES {
        return reply::ok(&whole);
    }
    for length in TEXT_LENGTHS {
        let shorter = body(hits, length, true);
        if shorter.to_string().len() < MAX_REPLY_BYTES {
            return reply::ok(&shorter);
        }
    }
    let shortest = TEXT_LENGTHS[TEXT_LENGTHS.len() - 1];
    let fewer = (1..hits.len())
        .rev()
        .map(|count| body(&hits[..count], shortest, true));
    let fitting = fewer
        .into_iter()
        .find(|body| body.to_string().len() < MAX_REPLY_BYTES);
    reply::ok(&fitting.unwrap_or_else(|| body(&[], shortest, true)))
}

/// Returns hits with the personal data in their texts masked, if a policy says so.
#[must_use]
pub fn masked(mut hits: Vec<SearchHit>, policy: Option<&RedactionPolicy>) -> Vec<SearchHit> {
    if let Some(policy) = policy {
        for hit in &mut hits {
            hit.text = redact_text(&hit.text, policy);
        }
    }
    hits
}

fn body(hits: &[SearchHit], length: usize, truncated: bool) -> Value {
    let results: Vec<Value> = hits.iter().map(|hit| shown(hit, length)).collect();
    json!({ "results": results, "truncated": truncated })
}

/// Returns a hit as it is shown, its text cut to so many characters and its score rounded to 6 decimals.
#[must_use]
pub fn shown(hit: &SearchHit, length: usize) -> Value {
    let text = match hit.text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &hit.text[..end]),
        None => hit.text.clone(),
    };
    json!({
        "conversation_id": hit.conversation_id,
        "chunk_index": hit.chunk_index,
        "text": text,
        "score": insights_core::scale::round_similarity(hit.score),
        "metadata": hit.metadata,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn hits(count: usize, text: usize, id: usize) -> Vec<SearchHit> {
        let hit = |index: usize| SearchHit {
            conversation_id: format!("{index:0id$}"),
            chunk_index: 0,
            text: "é".repeat(text),
            score: 1.0 / (index + 1) as f64,
            metadata: Map::new(),
        };
        (0..count).map(hit).collect()
    }

    fn read(hits: &[SearchHit]) -> Value {
        let response = reply(hits.to_vec(), None).unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.body().len() < MAX_REPLY_BYTES);
        serde_json::from_str(response.body()).unwrap()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let body = read(&hits(2, 30, 3));
        assert_eq!(body["truncated"], false);
        assert_eq!(
            body["results"][1],
            json!({
                "conversation_id": "001", "chunk_index": 0, "text": "é".repeat(30), "score": 0.5, "metadata": {}
            })
        );
        assert_eq!(read(&[])["results"], json!([]));
    }

    #[test]
    fn what_was_stored_unmasked_is_masked_where_a_policy_says_so() {
        let mut stored = hits(1, 1, 3);
        stored[0].text = "Customer: my mail is jane@example.com".to_owned();
        let policy = RedactionPolicy::default();
        let response = reply(stored, Some(&policy)).unwrap();
        assert!(response.body().contains("my mail is [EMAIL]"));
        assert!(!response.body().contains("jane"));
    }

    #[test]
    fn texts_are_cut_before_hits_are_left_out() {
        let body = read(&hits(40, 3000, 3));
        assert_eq!(
            (
                body["truncated"].as_bool(),
                body["results"].as_array().unwrap().len()
            ),
            (Some(true), 40)
        );
        assert!(body["results"][0]["text"].as_str().unwrap().ends_with('…'));
        let body = read(&hits(100, 3000, 255));
        let kept = body["results"].as_array().unwrap();
        assert!((40..100).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0]["score"], 1.0);
    }
}
