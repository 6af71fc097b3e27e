//! The subcommand `studio-recipe`: prints what to type into CXone Studio so that a script calls this deployment.

use serde_json::json;
use url::Url;

const EXAMPLES: &str = "Examples:
  cxone-insights studio-recipe --url https://abc123.execute-api.eu-central-1.amazonaws.com
  cxone-insights studio-recipe --json";

/// Time limit of the scoring action in milliseconds: the customer waits for it, and Studio repeats the call on its own.
const SCORE_TIMEOUT_MS: u64 = 1500;

/// Time limit of the action after the contact's end in milliseconds.
const ENDED_TIMEOUT_MS: u64 = 5000;

/// Arguments of the subcommand `studio-recipe`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address of the deployment's API
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    url: Url,
    /// Prints the properties of both actions as one JSON object
    #[arg(long)]
    json: bool,
}

/// The properties of a REST API action, in the order in which Studio shows them.
struct Action {
    service_address: String,
    headers: &'static str,
    parameters: &'static str,
    timeout_ms: u64,
}

/// Headers of both actions. CXone sends a form unless the type is named here.
const HEADERS: &str = r#"{"Content-Type":"application/json","x-api-key":"{apiKey}"}"#;

/// Prints the recipe. No key is read or printed: it is typed into the tenant by hand.
///
/// # Errors
/// If the address is one that no script can call.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let base = base_of(&args.url)?;
    let score = Action {
        service_address: format!("{base}/data-actions/sentiment?reply=studio"),
        headers: HEADERS,
        parameters: "{body}",
        timeout_ms: SCORE_TIMEOUT_MS,
    };
    let ended = Action {
        service_address: format!("{base}/studio/contact-ended"),
        headers: HEADERS,
        parameters: "{release}",
        timeout_ms: ENDED_TIMEOUT_MS,
    };
    if args.json {
        let action = |action: &Action| {
            json!({
                "verb": "POST", "serviceAddress": action.service_address, "headers": action.headers,
                "parameters": action.parameters, "timeOutInMilliSeconds": action.timeout_ms,
            })
        };
        println!(
            "{}",
            json!({"score": action(&score), "contactEnded": action(&ended)})
        );
    } else {
        print!("{}", text(&score, &ended, args.url.scheme() == "https"));
    }
    Ok(())
}

/// Returns the address without a slash at its end, if it has no more than scheme, host, port and path.
fn base_of(url: &Url) -> anyhow::Result<String> {
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain,
        "--url must be the address of the API, such as https://host.example.com, without a query"
    );
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Returns the recipe for people.
fn text(score: &Action, ended: &Action, is_https: bool) -> String {
    let warning = if is_https {
        ""
    } else {
        "NOTE    CXone calls public https addresses only; give the deployment's address with --url.\n\n"
    };
    format!(
        r#"A script of CXone Studio that calls this deployment
===================================================

{warning}The names of properties are those of the help pages. Nobody has run this recipe on a tenant; trace the first call.

1. KEY
   Draw a long random key for this script alone, and add it to `api_keys` in the secret of the callers:
     {{"name": "studio-SCRIPT", "key": "THE KEY", "scopes": ["score", "webhook"]}}
   In the tenant keep it in Integration Hub, if the tenant has it, otherwise in the ASSIGN of step 2.

2. ASSIGN (after BEGIN)
     apiKey = THE KEY

3. WHERE THE CUSTOMER'S WORDS COME FROM
   Digital: the loop of TEXTBOT EXCHANGE. Voice: CLOUD TRANSCRIBE or the loop of VOICEBOT EXCHANGE.
   Each turn leaves the words in a variable, here `utterance`. A script does not get the words of an agent's call.

4. SNIPPET "pack"
     DYNAMIC req
     req.interaction_text = "{{utterance}}"
     body = "{{req.asjson()}}"
   `asjson()` escapes quotes and line ends; JSON that is put together by hand breaks on them.

5. REST API "score"
{score}
     resultSet               r

6. ERROR BRANCH of step 5: go on with step 8. The customer never waits for a score.

7. SNIPPET "unpack" (its Error branch goes on with step 8 too)
     score = "{{r.body.sentiment_score}}"
     alert = "{{r.body.alert}}"
     emotions = "{{r.body.emotion_tags}}"
     problem = "{{r.body.error_code}}"
     score.savetodb(1)
   Every member is always there and none is a list: `alert` is 1 or 0, `emotion_tags` is one text with commas,
   `emotion_1` its first entry or empty, `error_code` empty unless the text has no score.
   `savetodb` shows the score in the contact's custom data.

8. IF  alert = "1"
     raise the priority, show a CustomEvent or Indicate to the agent, or REQAGENT with the skill of escalations
   otherwise back to step 3.

9. ONRELEASE (one per script; runs after the customer has gone)
   SNIPPET "pack release"
     DYNAMIC ended
     ended.contactId = "{{contactId}}"
     ended.masterId = "{{masterId}}"
     ended.skill = "{{skill}}"
     ended.mediaType = "{{mediaType}}"
     release = "{{ended.asjson()}}"
   Fill the four members from the variables of your script; only contactId is needed.
   REST API "contact ended"
{ended}
     resultSet               e
   then END. A repeated message is answered the same and changes nothing.

10. LIMITS OF STUDIO
   100 calls at once per business unit; two or three deliveries of a call that fails; replies of at most 32 KB; all REST calls of
   the unit stop for 30 s when half of 100 calls a second fail. A text without a score is therefore answered with status 200.
"#,
        score = properties(score),
        ended = properties(ended),
    )
}

fn properties(action: &Action) -> String {
    let rows = [
        ("Verb", "POST".to_owned()),
        ("Service Address", action.service_address.clone()),
        ("Headers", action.headers.to_owned()),
        ("Parameters", action.parameters.to_owned()),
        ("Command", "MakeRestRequest".to_owned()),
        ("TimeOutInMilliSeconds", action.timeout_ms.to_string()),
    ];
    let rows = rows.map(|(name, value)| format!("     {name:<23} {value}"));
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_holds_the_addresses_of_the_deployment_once_without_a_double_slash() {
        let base = base_of(&"https://api.example.com/stage/".parse().unwrap()).unwrap();
        assert_eq!(base, "https://api.example.com/stage");
        let action = |path: &str| Action {
            service_address: format!("{base}{path}"),
            headers: HEADERS,
            parameters: "{body}",
            timeout_ms: 1500,
        };
        let text = text(&action("/a"), &action("/b"), true);
        assert_eq!(text.matches("https://api.example.com/stage/a\n").count(), 1);
        assert!(text.contains(HEADERS) && !text.contains("NOTE"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 140));
    }

    #[test]
    fn addresses_that_no_script_can_call_are_refused() {
        for url in [
            "ftp://api.example.com",
            "https://user:word@api.example.com",
            "https://api.example.com/?key=1",
            "mailto:a@example.com",
        ] {
            assert!(base_of(&url.parse().unwrap()).is_err(), "{url}");
        }
    }
}
