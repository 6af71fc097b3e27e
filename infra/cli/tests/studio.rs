//! The printed recipe, carried out by a script as Studio runs it, against a running `serve`.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use cxone_simulator::demo_secrets;
use cxone_simulator::studio::script::SentimentScript;
use cxone_simulator::studio::{RestAction, Studio};
use serde_json::Value;

/// A running `serve`, which ends with the test.
struct Served {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
        .args([
            "serve",
            "--addr",
            &format!("127.0.0.1:{port}"),
            "--data-dir",
        ])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = lines
        .find(|line| line.as_ref().unwrap().starts_with("listening on"))
        .unwrap()
        .unwrap();
    // The output is read on, so that the process never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    let url = listening.trim_start_matches("listening on ").to_owned();
    Served {
        child,
        url,
        _folder: folder,
    }
}

/// Returns the script that the recipe for an address describes.
fn recipe(url: &str) -> SentimentScript {
    let output = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
        .args(["studio-recipe", "--json", "--url", url])
        .output()
        .unwrap();
    let recipe: Value = serde_json::from_slice(&output.stdout).unwrap();
    let action = |name: &str| {
        let action = &recipe[name];
        let text = |name: &str| action[name].as_str().unwrap().to_owned();
        RestAction {
            verb: text("verb"),
            service_address: text("serviceAddress"),
            headers: text("headers"),
            parameters: text("parameters"),
            // A test machine under load may be slower than any contact center waits.
            timeout_ms: 60_000,
        }
    };
    SentimentScript {
        score: action("score"),
        contact_ended: action("contactEnded"),
        api_key: demo_secrets::API_KEY.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_works_as_printed() {
    let served = serve();
    let (script, studio) = (recipe(&served.url), Studio::new(2));
    let angry = script
        .turn(
            &studio,
            "This is a scandal, I am furious and want my money back!",
        )
        .await
        .unwrap();
    assert!(angry.is_alert && angry.error_code.is_empty(), "{angry:?}");
    let happy = script
        .turn(&studio, "Thank you so much, you were very helpful!")
        .await
        .unwrap();
    assert!(!happy.is_alert && happy.score > angry.score, "{happy:?}");
    // Texts that JSON put together by hand breaks on, and texts of which no score comes.
    let odd = script
        .turn(&studio, "I said: \"no\"\nand | twice, {really}")
        .await
        .unwrap();
    assert_eq!(odd.error_code, "");
    for blank in ["", "  \n"] {
        let turn = script.turn(&studio, blank).await.unwrap();
        assert_eq!(
            (turn.error_code.as_str(), turn.is_alert),
            ("empty_text", false)
        );
    }
    assert!(
        script
            .release(&studio, 480_000_000_001, "Billing")
            .await
            .unwrap()
    );
    assert!(
        script
            .release(&studio, 480_000_000_001, "Billing")
            .await
            .unwrap()
    );
    let stranger = SentimentScript {
        api_key: "wrong".to_owned(),
        ..script
    };
    assert_eq!(stranger.turn(&studio, "Hello").await, None);
    let refused = stranger.release(&studio, 1, "").await.unwrap_err();
    assert_eq!(refused.deliveries, 3);
}

#[test]
fn the_recipe_for_people_names_no_key_and_warns_of_an_address_that_nobody_reaches() {
    let output = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
        .arg("studio-recipe")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("http://127.0.0.1:8787/data-actions/sentiment?reply=studio"));
    assert!(text.contains("NOTE") && !text.contains(demo_secrets::API_KEY));
}
