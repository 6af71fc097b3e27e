//! `replay`: an archived conversation with its pauses.

use std::time::Duration;

use anyhow::{Context, bail};
use insights_core::chat::archive::{Gap, Line};
use insights_core::chat::replay::{self, Start, Step};
use insights_core::lexicon;
use insights_core::scale::format_short_score;

use crate::chat::{objects, printable};
use crate::home::{Home, HomeArgs};
use crate::serve::stopped;

const EXAMPLES: &str = "Examples:
  cxone-insights replay chat-refund                        as it was, with its pauses
  cxone-insights replay chat-refund --speed 10             ten times as fast
  cxone-insights replay chat-refund --from 2:30            from two and a half minutes on
  cxone-insights replay chat-refund --message 7 --speaker customer --max-pause 3";

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The conversation
    conversation: String,
    /// Pauses are divided by this
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// Begin this long after the first message: seconds, MINUTES:SECONDS or HOURS:MINUTES:SECONDS
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "message")]
    from: Option<Duration>,
    /// Begin with this message, from 1
    #[arg(long, value_name = "N")]
    message: Option<usize>,
    /// Only this speaker: customer, agent, or a sender's id
    #[arg(long, value_name = "WHO")]
    speaker: Option<String>,
    /// No pause is longer than so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = time)]
    max_pause: Option<Duration>,
    /// One JSON object a line, as archived, at its time
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    home: HomeArgs,
}

fn time(text: &str) -> Result<Duration, String> {
    let allowed = || format!("{text:?} is not seconds, MINUTES:SECONDS or HOURS:MINUTES:SECONDS");
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return Err(allowed());
    }
    let mut seconds = 0.0;
    for part in parts {
        let value: f64 = part
            .parse()
            .ok()
            .filter(|value| (0.0..1e7).contains(value))
            .ok_or_else(allowed)?;
        seconds = seconds * 60.0 + value;
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Replays until the end or Ctrl-C.
///
/// # Errors
/// If the conversation is not archived, or there is nothing to replay where it should begin.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let home = Home::open(&args.home).await?;
    let objects = objects(&home, args.home.aws).await?;
    let Some(lines) = chat_session::archive::read(&objects, &args.conversation).await? else {
        bail!(
            "{} is not archived in {}: archives are written when a conversation or its session ends",
            printable(&args.conversation),
            home.data_dir.display()
        );
    };
    let start = args
        .message
        .map(Start::Message)
        .or(args.from.map(Start::Offset));
    let options = replay::Options {
        speed: args.speed,
        start: start.unwrap_or(Start::Message(1)),
        speaker: args.speaker.clone(),
        longest_pause: args.max_pause,
    };
    let steps = replay::plan(&lines, &options).context("nothing to replay")?;
    if !args.json {
        println!(
            "{}: {} of {} messages, speed {}",
            printable(&args.conversation),
            steps.len(),
            lines.len(),
            args.speed
        );
    }
    for step in steps {
        tokio::select! {
            () = tokio::time::sleep(step.pause) => {}
            () = stopped() => return Ok(()),
        }
        print(&step, args.json)?;
    }
    Ok(())
}

fn print(step: &Step<'_>, as_json: bool) -> anyhow::Result<()> {
    let line = step.line;
    if as_json {
        println!("{}", serde_json::to_string(line)?);
        return Ok(());
    }
    if let Some(gap) = line.gap_before {
        println!("          {}", missing(gap));
    }
    let score = line
        .sentiment
        .unwrap_or_else(|| lexicon::score(&line.message.text).score.to_four_decimals());
    println!(
        "{:>8}  {:<9} {} {}{}  {}{}",
        offset(step.offset),
        printable(&line.message.from.kind),
        bar(score),
        format_short_score(score),
        line.model_sentiment
            .map_or_else(String::new, |score| format!(
                " (model {})",
                format_short_score(score)
            )),
        printable(&line.message.text),
        escalation(line),
    );
    if let Some(gap) = line.gap_after {
        println!("          {}", missing(gap));
    }
    Ok(())
}

fn missing(gap: Gap) -> String {
    format!(
        "... messages may be missing: the stream was down for {:.1} s",
        (gap.to_ms - gap.from_ms) as f64 / 1000.0
    )
}

fn escalation(line: &Line) -> String {
    line.escalation.map_or_else(String::new, |severity| {
        format!("  << {}", severity.name().to_uppercase())
    })
}

/// A score as a bar of five, readable without colours.
fn bar(score: f64) -> String {
    let filled = (score * 5.0).round().clamp(0.0, 5.0) as usize;
    format!("[{}{}]", "#".repeat(filled), ".".repeat(5 - filled))
}

/// How long after the first message, as minutes and seconds.
fn offset(offset: Duration) -> String {
    let seconds = offset.as_secs();
    format!(
        "{}:{:02}.{}",
        seconds / 60,
        seconds % 60,
        offset.subsec_millis() / 100
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_minutes_and_hours() {
        let cases = [
            ("90", 90.0),
            ("1.5", 1.5),
            ("2:30", 150.0),
            ("1:00:05", 3605.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(time(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "soon", "-1", "1:2:3:4", "1:x"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_and_bars_have_one_width() {
        assert_eq!(offset(Duration::from_millis(61_250)), "1:01.2");
        assert_eq!(
            [bar(0.0), bar(0.5), bar(1.0)],
            ["[.....]", "[###..]", "[#####]"]
        );
    }
}
