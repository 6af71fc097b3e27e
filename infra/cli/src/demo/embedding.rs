//! Scene 4: finished conversations arrive by webhook, and a search finds them by meaning.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{API_KEY, Stage};

/// Finished conversations: the subject, what the agent said, and what the customer said.
const CONVERSATIONS: [(&str, &str, &str); 5] = [
    (
        "Charged twice",
        "I see two payments for November, let me check the second one.",
        "The same amount left my bank account twice this month and I want one of them back.",
    ),
    (
        "Internet down",
        "Please restart the router and tell me when the light is green.",
        "My connection drops every evening and the router light keeps blinking red.",
    ),
    (
        "Moving house",
        "We can move the contract to the new address on the first.",
        "I am moving to another city and would like to take my contract with me.",
    ),
    (
        "Cannot sign in",
        "I have sent you a link to set a new password.",
        "The app says my password is wrong, although I changed it yesterday.",
    ),
    (
        "Praise",
        "That is kind of you to say, I will pass it on.",
        "Your technician was early, friendly, and everything has worked since.",
    ),
];

/// Questions of a supervisor. They share no word with the conversations that they should find.
const QUESTIONS: [&str; 2] = ["billing error, wants a refund", "login problem"];

/// Longest time that the embedding of all conversations may take.
const EMBEDDING_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends the webhooks, waits until all are embedded, and searches.
pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    println!("\n4. Embeddings: POST {}", stage.url("/webhooks/cxone"));
    for (index, (subject, agent, customer)) in CONVERSATIONS.iter().enumerate() {
        let event = json!({
            "event": "conversation.completed",
            "timestamp": jiff::Timestamp::now(),
            "conversationId": format!("demo-{}", index + 1),
            "data": {"subject": subject, "transcript": {"agent": agent, "customer": customer}},
        });
        let request = stage.http.post(stage.url("/webhooks/cxone"));
        let status = request
            .header("x-api-key", API_KEY)
            .json(&event)
            .send()
            .await?
            .status();
        ensure!(status.as_u16() == 202, "the webhook answered {status}");
    }
    println!("   {} finished conversations queued", CONVERSATIONS.len());
    let begin = Instant::now();
    while search(stage, "anything", CONVERSATIONS.len()).await?.len() < CONVERSATIONS.len() {
        ensure!(
            begin.elapsed() < EMBEDDING_TIMEOUT,
            "the conversations were not embedded in time"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "   all conversations were embedded after {:.0} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    print_answers(stage).await
}

/// Searches, and prints what is found.
pub(super) async fn print_answers(stage: &Stage) -> anyhow::Result<()> {
    for question in QUESTIONS {
        println!("   {question:?} finds");
        let hits = search(stage, question, 2).await?;
        ensure!(!hits.is_empty(), "nothing was found");
        for hit in hits {
            let text: String = hit["text"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(90)
                .collect();
            let intent = hit["metadata"]["intent_category"]
                .as_str()
                .unwrap_or_default();
            println!(
                "   {:>7.3}  {intent:<18} {text}…",
                hit["score"].as_f64().unwrap_or_default()
            );
        }
    }
    Ok(())
}

async fn search(stage: &Stage, question: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
    let request = stage.http.get(stage.url("/search")).bearer_auth(API_KEY);
    let query = [("q", question.to_owned()), ("limit", limit.to_string())];
    let response = request.query(&query).send().await?.error_for_status()?;
    let body: Value = response.json().await?;
    body["results"]
        .as_array()
        .cloned()
        .context("the answer has no results")
}
