//! The subcommand `replay`: prints an archived conversation with its pauses.

use std::time::Duration;

use anyhow::{Context, bail};
use backends::settings::ObjectSettings;
use insights_core::chat::archive::{ArchiveLine, Gap};
use insights_core::chat::archive_redaction::mask_lines;
use insights_core::chat::replay::{self, ReplayStart, ReplayStep};
use insights_core::lexicon;
use insights_core::scale::format_short_score;
use runtime::redaction::RedactionSettings;

use crate::chat::printable;
use crate::local_context::{LocalArgs, LocalContext};
use crate::stop_signal::wait_for_stop_signal;

const EXAMPLES: &str = "Examples:
  cxone-insights replay chat-refund                        replays with the original pauses
  cxone-insights replay chat-refund --speed 10             replays ten times as fast
  cxone-insights replay chat-refund --from 2:30            starts two and a half minutes after the first message
  cxone-insights replay chat-refund --message 7 --speaker customer --max-pause 3";

/// Arguments of the subcommand `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the conversation
    conversation: String,
    /// Factor by which pauses are shortened
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// Starts this long after the first message: seconds, MINUTES:SECONDS or HOURS:MINUTES:SECONDS
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "message")]
    from: Option<Duration>,
    /// Starts with the message of this number, counted from 1
    #[arg(long, value_name = "N")]
    message: Option<usize>,
    /// Prints only the messages of this speaker: customer, agent, or a sender's id
    #[arg(long, value_name = "WHO")]
    speaker: Option<String>,
    /// Longest pause, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_time)]
    max_pause: Option<Duration>,
    /// Prints one JSON object per message, as archived, each at its time
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    local: LocalArgs,
}

fn parse_time(text: &str) -> Result<Duration, String> {
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

/// Replays the conversation until its end or Ctrl-C.
///
/// # Errors
/// If the conversation is not archived, or has no message from the requested start on.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let context = LocalContext::open(&args.local).await?;
    let objects = context
        .backends
        .objects(&ObjectSettings::from_env(&context.env)?)?;
    let views = RedactionSettings::from_env(&context.env)?.for_views();
    let Some(mut lines) = chat_session::archive::read_archive(&objects, &args.conversation).await?
    else {
        bail!(
            "{} is not archived in {}: archives are written when a conversation or its session ends",
            printable(&args.conversation),
            context.data_dir.display()
        );
    };
    if let Some(policy) = views {
        mask_lines(&mut lines, &policy);
    }
    let start = args
        .message
        .map(ReplayStart::Message)
        .or(args.from.map(ReplayStart::Offset));
    let options = replay::ReplayOptions {
        speed: args.speed,
        start: start.unwrap_or(ReplayStart::Message(1)),
        speaker: args.speaker.clone(),
        longest_pause: args.max_pause,
    };
    let steps = replay::plan(&lines, &options).context("there is nothing to replay")?;
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
            () = wait_for_stop_signal() => return Ok(()),
        }
        print_step(&step, args.json)?;
    }
    Ok(())
}

fn print_step(step: &ReplayStep<'_>, as_json: bool) -> anyhow::Result<()> {
    let line = step.line;
    if as_json {
        println!("{}", serde_json::to_string(line)?);
        return Ok(());
    }
    if let Some(gap) = line.gap_before {
        println!("          {}", describe_gap(gap));
    }
    let score = line
        .sentiment
        .unwrap_or_else(|| lexicon::score(&line.message.text).score.to_four_decimals());
    println!(
        "{:>8}  {:<9} {} {}{}  {}{}",
        format_offset(step.offset),
        printable(&line.message.from.kind),
        score_bar(score),
        format_short_score(score),
        line.model_sentiment
            .map_or_else(String::new, |score| format!(
                " (model {})",
                format_short_score(score)
            )),
        printable(&line.message.text),
        describe_escalation(line),
    );
    if let Some(gap) = line.gap_after {
        println!("          {}", describe_gap(gap));
    }
    Ok(())
}

fn describe_gap(gap: Gap) -> String {
    format!(
        "... messages may be missing: the stream was down for {:.1} s",
        (gap.to_ms - gap.from_ms) as f64 / 1000.0
    )
}

fn describe_escalation(line: &ArchiveLine) -> String {
    line.escalation.map_or_else(String::new, |severity| {
        format!("  << {}", severity.name().to_uppercase())
    })
}

/// Returns a score as a bar of five characters, which is readable without colors.
fn score_bar(score: f64) -> String {
    let filled = (score * 5.0).round().clamp(0.0, 5.0) as usize;
    format!("[{}{}]", "#".repeat(filled), ".".repeat(5 - filled))
}

/// Formats the time since the first message as minutes and seconds.
fn format_offset(offset: Duration) -> String {
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
            assert_eq!(
                parse_time(text),
                Ok(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
        for text in ["", "soon", "-1", "1:2:3:4", "1:x"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_and_bars_have_one_width() {
        assert_eq!(format_offset(Duration::from_millis(61_250)), "1:01.2");
        assert_eq!(
            [score_bar(0.0), score_bar(0.5), score_bar(1.0)],
            ["[.....]", "[###..]", "[#####]"]
        );
    }
}
