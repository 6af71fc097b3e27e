//! The words of calls from a server that keeps to nothing but the frames themselves.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cxone::tenant::live_voice::{CustomerMarks, ListeningTimes, LiveCalls, listen};
use cxone_simulator::Scenario;
use cxone_simulator::tenant::{TenantHandle, TenantSimulator};
use futures::{SinkExt, StreamExt};
use insights_core::backoff::{BackoffPolicy, Jitter};
use insights_core::live::Speaker;
use insights_http::client::build_stream_client;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::tenant_client::client_of;

/// What a server answers to a frame: texts, or nothing more because it closes the connection.
type Answer = Option<Vec<String>>;

/// A server of sockets whose answers a test decides.
struct OddServer {
    url: String,
    connections: Arc<AtomicUsize>,
    tokens: Arc<Mutex<HashSet<String>>>,
    task: JoinHandle<()>,
}

impl OddServer {
    /// Starts a server that answers each frame as `answer` says, of its command and its topic.
    async fn start(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/own/path", listener.local_addr().unwrap());
        let (connections, tokens) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let (answer, counted) = (Arc::new(answer), Arc::clone(&connections));
        let seen: Arc<Mutex<HashSet<String>>> = Arc::clone(&tokens);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let Ok(mut socket) = accept_async(stream).await else {
                        return;
                    };
                    while let Some(Ok(frame)) = socket.next().await {
                        let Ok(text) = frame.into_text() else { return };
                        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                        let token = frame["headers"]["sessionToken"].as_str();
                        let token = token.unwrap_or_default().to_owned();
                        seen.lock().unwrap().insert(token);
                        let command = frame["command"].as_str().unwrap_or_default();
                        let topic = frame["body"]["topic"].as_str().unwrap_or_default();
                        let Some(texts) = answer(command, topic) else {
                            return;
                        };
                        for text in texts {
                            if socket.send(Frame::text(text)).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url,
            connections,
            tokens,
            task,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns how many tokens were shown.
    fn tokens(&self) -> usize {
        let tokens = self.tokens.lock().unwrap();
        tokens.iter().filter(|token| !token.is_empty()).count()
    }
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener of calls at a server, with a simulated tenant that gives the tokens.
struct Listening {
    calls: Arc<LiveCalls>,
    task: JoinHandle<()>,
    _tenant: TenantHandle,
}

impl Listening {
    async fn start(server: &OddServer, ids: &[&str]) -> Self {
        let tenant = TenantSimulator::start(Scenario::default()).await.unwrap();
        let client = client_of(&tenant, &server.url);
        let calls = Arc::new(LiveCalls::new(CustomerMarks::default()));
        calls.follow(&ids.iter().map(|id| (*id).to_owned()).collect());
        let ms = Duration::from_millis;
        let times = ListeningTimes {
            reconnect: BackoffPolicy::new(ms(10), ms(50), Jitter::None),
            ..ListeningTimes::default()
        };
        let http = build_stream_client().unwrap().into();
        let listening = listen(http, client, Arc::clone(&calls), times);
        let task = tokio::spawn(async move { match listening.await {} });
        Self {
            calls,
            task,
            _tenant: tenant,
        }
    }

    fn heard(&self, id: &str) -> Vec<String> {
        let read = self.calls.read(id, 0).unwrap_or_default();
        read.segments.into_iter().map(|said| said.text).collect()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn connected() -> Answer {
    Some(vec![json!({"command": "CONNECTED"}).to_string()])
}

fn refused(code: Value) -> Answer {
    let body = json!({"responseCode": code, "responseText": "no"});
    Some(vec![json!({"command": "ERROR", "body": body}).to_string()])
}

fn said(topic: &str, place: u32, text: &str) -> String {
    let data = json!({"messageBody": text, "messageIsCompletedUtterance": "true", "transcriptionSrNo": place,
        "participantId": "690001", "agentId": 690_001, "createdtimestamp": 1_795_168_741_220_i64 + i64::from(place)});
    json!({"command": "MESSAGE", "body": {"topic": topic, "data": data}}).to_string()
}

#[tokio::test]
async fn words_that_come_without_an_answer_to_the_subscription_are_heard_once() {
    let server = OddServer::start(|command, topic| match command {
        "CONNECT" => connected(),
        "SUBSCRIBE" => Some(vec![
            "not json".to_owned(),
            json!({"command": "MESSAGE", "body": {"Topic": topic}}).to_string(),
            said(topic, 2, "second"),
            said(topic, 1, "first"),
            said(topic, 2, "second"),
            said("1_agentcopilot", 3, "of another topic"),
            said("99_transcript", 4, "of another call"),
            json!({"command": "SUBSCRIBED"}).to_string(),
            said(topic, 5, "third"),
        ]),
        _ => Some(Vec::new()),
    })
    .await;
    let listening = Listening::start(&server, &["1", "2"]).await;
    for id in ["1", "2"] {
        let expected = ["first", "second", "third"];
        eventually("all is heard", || listening.heard(id).len() == 3).await;
        assert_eq!(listening.heard(id), expected);
    }
    let read = listening.calls.read("1", 0).unwrap();
    let is_agent = |speaker| speaker == Speaker::Agent;
    assert!(read.segments.iter().all(|said| is_agent(said.speaker)));
    assert!(listening.heard("99").is_empty());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_refusal_for_the_token_is_tried_with_one_other_token() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let server = OddServer::start(move |command, _| match command {
        "CONNECT" => connected(),
        "SUBSCRIBE" => {
            counted.fetch_add(1, Ordering::SeqCst);
            refused(json!("401"))
        }
        _ => Some(Vec::new()),
    })
    .await;
    let listening = Listening::start(&server, &["1", "2", "3"]).await;
    // One asks with the first token, and all three with the second.
    eventually("all are asked for", || asked.load(Ordering::SeqCst) == 4).await;
    assert_eq!((server.connections(), server.tokens()), (2, 2));
    assert!(listening.calls.audible().is_empty());
    assert_eq!(listening.calls.away_for(), None);
}

#[tokio::test]
async fn a_server_that_refuses_everybody_is_asked_with_two_tokens_and_no_more() {
    for code in [json!(401), json!(null), json!(503), json!("no code")] {
        let is_about_token = code == json!(401);
        let server = OddServer::start(move |_, _| refused(code.clone())).await;
        let listening = Listening::start(&server, &["1"]).await;
        eventually("it is tried again", || server.connections() >= 5).await;
        let tokens = if is_about_token { 2 } else { 1 };
        assert_eq!(server.tokens(), tokens);
        assert!(listening.calls.away_for().is_some());
    }
}

#[tokio::test]
async fn a_frame_without_end_or_a_closed_connection_is_followed_by_another_connection() {
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let server = OddServer::start(move |command, topic| match command {
        "CONNECT" => match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Some(vec!["x".repeat(5 << 20)]),
            1 => None,
            _ => connected(),
        },
        "SUBSCRIBE" if counted.load(Ordering::SeqCst) < 4 => Some(vec!["x".repeat(5 << 20)]),
        "SUBSCRIBE" => Some(vec![said(topic, 1, "at last")]),
        _ => Some(Vec::new()),
    })
    .await;
    let listening = Listening::start(&server, &["1"]).await;
    eventually("the words come", || listening.heard("1") == ["at last"]).await;
    assert_eq!(server.connections(), 4);
}
