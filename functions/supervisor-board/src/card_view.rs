//! The call card of one conversation, opened: made anew from what was said so far, in quotes that are masked as the transcript is, or as
//! it was kept when the conversation ended.

use insights_core::card::{CallCard, CardLine};
use insights_core::rules::{Dialogue, RuleHit};
use serde::Serialize;

use crate::deps::Deps;
use crate::transcript::{MaskedQuote, Transcript};

/// One line of the card, for the page: a quote, or why there is none.
#[derive(Serialize)]
pub(crate) struct CardLineView {
    /// The name of the line: reason, outcome, commitment, risk, or next step.
    name: &'static str,
    quote: Option<MaskedQuote>,
    /// The rule that the quoted words made hold, for a risk.
    rule: Option<String>,
    /// Why the line has no quote.
    unknown: Option<String>,
}

/// Returns the card of what a transcript has, with the hits of rules for the risk.
pub(crate) fn card(deps: &Deps, transcript: &Transcript, hits: &[RuleHit]) -> Vec<CardLineView> {
    let dialogue = Dialogue {
        utterances: transcript.utterances().cloned().collect(),
        ..Dialogue::default()
    };
    let card = CallCard::new(&dialogue, hits, Some(&deps.intents));
    let lines = card.lines().map(|(name, line)| match line {
        CardLine::Unknown(why) => line_without_quote(name, why),
        // The first third of what is left is not that of the conversation.
        CardLine::Quote(_) if name == "reason" && transcript.is_cut => {
            line_without_quote(name, "the beginning of the conversation is left out here")
        }
        CardLine::Quote(quote) => match transcript.quote(&quote.segment, quote.from, quote.to) {
            Some(masked) => CardLineView {
                name,
                quote: Some(masked),
                rule: quote.rule.clone(),
                unknown: None,
            },
            None => line_without_quote(name, "its words are not in the transcript any more"),
        },
    });
    lines.into()
}

/// Returns the lines of a card that was kept, whose quotes are masked already. `began_ms` is when the conversation began.
pub(crate) fn kept_lines(card: &CallCard, began_ms: i64) -> Vec<CardLineView> {
    let lines = card.lines().map(|(name, line)| match line {
        CardLine::Unknown(why) => line_without_quote(name, why),
        CardLine::Quote(quote) => CardLineView {
            name,
            quote: Some(MaskedQuote {
                at: began_ms.saturating_add(quote.second.saturating_mul(1000)),
                speaker: quote.speaker.name(),
                text: quote.text.clone(),
            }),
            rule: quote.rule.clone(),
            unknown: None,
        },
    });
    lines.into()
}

fn line_without_quote(name: &'static str, why: &str) -> CardLineView {
    CardLineView {
        name,
        quote: None,
        rule: None,
        unknown: Some(why.to_owned()),
    }
}
