//! The check `score`: texts are scored on the right side, and a wrong key is refused.

use http::{Method, StatusCode};
use insights_http::Deadline;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Request, require_status};
use crate::outcome::NotOk;
use crate::run_name::RunName;

/// The score that is neither negative nor positive.
const NEUTRAL: f64 = 0.5;
/// What a satisfied customer says; the word of the run follows, so that no cache answers.
const POSITIVE: &str =
    "Thank you so much, you were very helpful and everything works great now. Order";
/// What an angry customer says.
const NEGATIVE: &str =
    "This is terrible service, I am extremely frustrated and want a refund immediately. Order";

/// What is read of the answer.
#[derive(Deserialize)]
struct Score {
    sentiment_score: f64,
}

/// Scores a positive and a negative text, sends a wrong key, and returns both scores.
pub(crate) async fn check(api: &Api, run: &RunName, deadline: Deadline) -> Result<String, NotOk> {
    let positive = score(api, POSITIVE, run, deadline).await?;
    let negative = score(api, NEGATIVE, run, deadline).await?;
    if !(positive > NEUTRAL && positive <= 1.0) {
        return Err(NotOk::Failed(format!("a positive text scored {positive}")));
    }
    if !(0.0..NEUTRAL).contains(&negative) {
        return Err(NotOk::Failed(format!("a negative text scored {negative}")));
    }
    let request = request(POSITIVE, run);
    let refused = api.send_with_wrong_key(&request, deadline).await?;
    require_status(&refused, StatusCode::UNAUTHORIZED)
        .map_err(|wrong| wrong.and("the key was a wrong one"))?;
    Ok(format!(
        "positive {positive}, negative {negative}, a wrong key is refused"
    ))
}

async fn score(api: &Api, text: &str, run: &RunName, deadline: Deadline) -> Result<f64, NotOk> {
    let answer = api.send(&request(text, run), deadline).await?;
    require_status(&answer, StatusCode::OK)?;
    Ok(answer.json::<Score>()?.sentiment_score)
}

fn request(text: &str, run: &RunName) -> Request<'static> {
    let text = format!("{text} {}.", run.marker());
    Request {
        endpoint: "POST /data-actions/sentiment",
        method: Method::POST,
        path: vec!["data-actions", "sentiment"],
        query: Vec::new(),
        body: Some(json!({ "interaction_text": text })),
    }
}
