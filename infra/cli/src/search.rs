//! The subcommand `search`: prints the embedded texts that are nearest in meaning to a question.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::builder::NonEmptyStringValueParser;
use embedding::searcher::Filter;
use insights_http::Deadline;
use runtime::redaction::RedactionSettings;
use semantic_search::reply::{masked, shown};

use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;

const EXAMPLES: &str = "Examples:
  cxone-insights search \"refund that never came\"
  cxone-insights search \"cannot log in\" --limit 3 --intent technical_support
  cxone-insights search \"late delivery\" --json | jq .conversation_id";

/// Longest time that a search may take, the embedding of the question included.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Number of characters of a chunk that are printed without `--json`.
const MAX_PRINTED_CHARS: usize = 160;

/// Arguments of the subcommand `search`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Text to search for
    #[arg(value_name = "TEXT", required = true, value_parser = NonEmptyStringValueParser::new())]
    text: Vec<String>,
    /// Largest number of hits
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Searches only the conversations of this category
    #[arg(long, value_name = "X")]
    intent: Option<String>,
    /// Searches only chunks with (true) or without (false) personal data
    #[arg(long, value_name = "BOOL")]
    contains_pii: Option<bool>,
    /// Prints one JSON object per hit
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    local: LocalArgs,
}

/// Returns why a search has no hits, and what to do about it.
fn explain_no_hits(is_store_empty: bool) -> &'static str {
    if is_store_empty {
        "nothing found; embed conversations first: cxone-insights embed FILE.jsonl"
    } else {
        "nothing matches the filter; search without --intent and --contains-pii to see the categories that are stored"
    }
}

/// Searches and prints the hits.
///
/// # Errors
/// If the question is blank, or the provider or the store fails.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let question = args.text.join(" ");
    if question.trim().is_empty() {
        bail!("the question is blank; say what to search for");
    }
    let context = LocalContext::open(&args.local).await?;
    let searcher = Pipeline::open(&context).await?.searcher();
    let filter = Filter {
        intent: args.intent,
        contains_pii: args.contains_pii,
    };
    let search = async |limit: u16, filter: &Filter| {
        let deadline = Deadline::within(SEARCH_TIMEOUT);
        let found = searcher.search(&question, usize::from(limit), filter, deadline);
        found.await.context("the search failed")
    };
    let hits = search(args.limit, &filter).await?;
    if hits.is_empty() && !args.json {
        let is_filtered = filter != Filter::default();
        let is_store_empty = !is_filtered || search(1, &Filter::default()).await?.is_empty();
        eprintln!("{}", explain_no_hits(is_store_empty));
    }
    let views = RedactionSettings::from_env(&context.env)?.for_views();
    let hits = masked(hits, views.as_ref());
    for hit in &hits {
        if args.json {
            println!("{}", shown(hit, usize::MAX));
            continue;
        }
        let text: String = hit.text.chars().take(MAX_PRINTED_CHARS).collect();
        let category = hit
            .metadata
            .get("intent_category")
            .and_then(|value| value.as_str())
            .unwrap_or_default();
        println!(
            "{}  {} #{}  {category}\n       {text}",
            insights_core::scale::format_average(hit.score),
            hit.conversation_id,
            hit.chunk_index
        );
    }
    context.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::explain_no_hits;

    #[test]
    fn an_empty_store_and_a_filter_without_matches_are_told_apart() {
        assert!(explain_no_hits(true).contains("embed conversations first"));
        let filtered = explain_no_hits(false);
        assert!(filtered.contains("the filter") && !filtered.contains("embed"));
    }
}
