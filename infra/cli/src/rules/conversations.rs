//! The conversations that rules are tried on: recorded calls of a file, archived chats, and transcripts of the contact center.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use backends::conversation_source::{SharedSource, SourceTranscript};
use backends::settings::{
    ContactCenterSecretSettings, CxoneSettings, ObjectSettings, StateSettings,
};
use cxone::conversations::ConversationQuery;
use cxone::endpoints::System;
use futures::StreamExt;
use insights_core::analytics::{Conversation, dialogue_of_lines};
use insights_core::chat::archive::decode_lines;
use insights_core::chat::archive_dialogue::dialogue_of_archive;
use insights_core::chat::archive_key::is_archive_key;
use insights_core::lexicon;
use insights_core::live::Speaker;
use insights_core::rules::{Dialogue, Utterance};
use insights_core::scale::Score;
use insights_core::signals::Signals;
use insights_http::Deadline;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::local_context::{LocalArgs, LocalContext};

/// Time limit of one answer of the contact center, tries included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of transcripts that are read at the same time.
const CONCURRENT_READS: usize = 8;

/// Options that say which conversations are read.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// File of recorded calls in JSON Lines, instead of archived chats and the contact center's transcripts; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// First day or moment of the conversations, like 2026-11-01 or 2026-11-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) from: Option<Timestamp>,
    /// First day or moment after the conversations
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) to: Option<Timestamp>,
    /// Number of supervisors who share the alerts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) supervisors: u32,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}

impl SourceArgs {
    /// Opens the stores and the contact center, unless files have all that is needed. `needs_stores` says that something else is read
    /// from them.
    ///
    /// # Errors
    /// As [`LocalContext::open`].
    pub(crate) async fn open_context(
        &self,
        needs_stores: bool,
    ) -> anyhow::Result<Option<LocalContext>> {
        if self.file.is_empty() || needs_stores {
            LocalContext::open(&self.local).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let day = text.parse::<Date>().ok();
    let of_day = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    of_day
        .map(|zoned| zoned.timestamp())
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            format!("{text:?} is no day like 2026-11-01 and no time like 2026-11-01T08:00:00Z")
        })
}

/// A recorded call, or a part of one.
#[derive(Deserialize)]
struct RecordedCall {
    #[serde(alias = "interaction_id", rename = "interactionId")]
    id: String,
    segments: Vec<RecordedSegment>,
    #[serde(default)]
    skill: Option<String>,
    #[serde(default)]
    attributes: Option<std::collections::BTreeMap<String, String>>,
    /// Times in which words may be missing, in milliseconds since the epoch.
    #[serde(default)]
    gaps: Vec<(i64, i64)>,
    /// Times on hold, in milliseconds since the epoch; without the list nobody knows of holds.
    #[serde(default)]
    holds: Option<Vec<(i64, i64)>>,
    /// End of the call in milliseconds since the epoch, if it is later than the last word.
    #[serde(default)]
    end: Option<i64>,
}

#[derive(Deserialize)]
struct RecordedSegment {
    text: String,
    #[serde(alias = "start", rename = "startTime")]
    start: i64,
    #[serde(alias = "end", rename = "endTime")]
    end: i64,
    direction: Speaker,
    #[serde(alias = "isFinal", default = "default_is_final")]
    is_final: bool,
    #[serde(default)]
    score: Option<Score>,
    #[serde(default)]
    emotions: Vec<String>,
    #[serde(default)]
    signals: Signals,
}

const fn default_is_final() -> bool {
    true
}

/// Conversations in the order of their starts and ids.
pub(crate) struct Conversations {
    /// The id and the words of each conversation.
    pub(crate) dialogues: Vec<(String, Dialogue)>,
    /// The time that the conversations cover, in hours, and not less than a minute.
    pub(crate) hours: f64,
    /// The number of conversations without a transcript.
    pub(crate) without_transcript: usize,
}

impl Conversations {
    /// Reads the conversations that the options name: of the files, or else the archived chats of `context` and what its contact
    /// center lists.
    ///
    /// # Errors
    /// If a file, the archives or the contact center cannot be read.
    pub(crate) async fn read(
        args: &SourceArgs,
        context: Option<&LocalContext>,
    ) -> anyhow::Result<Self> {
        let mut without_transcript = 0;
        let mut dialogues = Vec::new();
        for file in &args.file {
            dialogues.extend(read_file(file)?);
        }
        if let Some(context) = context.filter(|_| args.file.is_empty()) {
            dialogues = read_archives(context).await?;
            let (transcripts, missing) = read_transcripts(context, args).await?;
            without_transcript = missing;
            for (id, dialogue) in transcripts {
                // The archive knows more of a chat than the transcript: scores and gaps.
                if !dialogues.iter().any(|(known, _)| *known == id) {
                    dialogues.push((id, dialogue));
                }
            }
        }
        let range = |start: Option<i64>| {
            start.is_some_and(|start| {
                args.from.is_none_or(|from| from.as_millisecond() <= start)
                    && args.to.is_none_or(|to| start < to.as_millisecond())
            })
        };
        dialogues.retain(|(_, dialogue)| range(dialogue.facts.start));
        dialogues.sort_by(|one, other| {
            let key = |it: &(String, Dialogue)| (it.1.facts.start, it.0.clone());
            key(one).cmp(&key(other))
        });
        if dialogues.is_empty() {
            bail!("there are no conversations to replay in this time");
        }
        let starts = dialogues.iter().filter_map(|(_, it)| it.facts.start);
        let ends = dialogues.iter().filter_map(|(_, it)| it.facts.end);
        let from = args.from.map(Timestamp::as_millisecond).or(starts.min());
        let to = args.to.map(Timestamp::as_millisecond).or(ends.max());
        let milliseconds = to.unwrap_or(0) - from.unwrap_or(0);
        Ok(Self {
            dialogues,
            hours: (milliseconds as f64 / 3_600_000.0).max(1.0 / 60.0),
            without_transcript,
        })
    }
}

/// Reads the calls of a file; the lines of one call are put together.
fn read_file(file: &Path) -> anyhow::Result<Vec<(String, Dialogue)>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut places = std::collections::HashMap::new();
    let mut dialogues: Vec<(String, Dialogue)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let call: RecordedCall = insights_core::lenient_json::from_str(line)
            .with_context(|| format!("{}, line {}", file.display(), number + 1))?;
        let place = *places.entry(call.id.clone()).or_insert_with(|| {
            dialogues.push((call.id.clone(), Dialogue::default()));
            dialogues.len() - 1
        });
        add_recorded(&mut dialogues[place].1, call);
    }
    Ok(dialogues)
}

fn add_recorded(dialogue: &mut Dialogue, call: RecordedCall) {
    for segment in call.segments.into_iter().filter(|segment| segment.is_final) {
        let score = segment
            .score
            .unwrap_or_else(|| lexicon::score(&segment.text).score);
        let mut utterance =
            Utterance::new(segment.direction, segment.start, segment.end, segment.text)
                .with_score(score);
        utterance.emotions = segment.emotions;
        utterance.signals = segment.signals;
        dialogue.utterances.push(utterance);
    }
    dialogue.gaps.extend(call.gaps);
    dialogue.facts.knows_holds |= call.holds.is_some();
    dialogue.holds.extend(call.holds.into_iter().flatten());
    let facts = &mut dialogue.facts;
    facts.skill = call.skill.or(facts.skill.take());
    facts.attributes = call.attributes.or(facts.attributes.take());
    facts.start = dialogue.utterances.iter().map(|it| it.start).min();
    let last = dialogue.utterances.iter().map(|it| it.end).max();
    facts.end = facts.end.max(call.end).max(last);
}

/// Reads the archived chats of the object store.
async fn read_archives(context: &LocalContext) -> anyhow::Result<Vec<(String, Dialogue)>> {
    let objects = context
        .backends
        .objects(&ObjectSettings::from_env(&context.env)?)?;
    let mut dialogues = Vec::new();
    let entries = objects.list("archive/").await?;
    for entry in entries.iter().filter(|entry| is_archive_key(&entry.key)) {
        let Some(content) = objects.get(&entry.key).await? else {
            continue;
        };
        let text = String::from_utf8_lossy(&content);
        let lines = decode_lines(&text).with_context(|| format!("{} cannot be read", entry.key))?;
        let Some(first) = lines.first() else { continue };
        dialogues.push((
            first.message.conversation_id.clone(),
            dialogue_of_archive(&lines),
        ));
    }
    Ok(dialogues)
}

/// Returns the source of finished conversations, with the API that the profile names.
fn conversation_source(context: &LocalContext) -> anyhow::Result<SharedSource> {
    let secret = ContactCenterSecretSettings::from_env(&context.env)?;
    let secrets = context.backends.secrets(&secret.id)?;
    let state = context
        .backends
        .state(&StateSettings::from_env(&context.env)?)?;
    let settings = CxoneSettings::from_env(&context.env)?;
    context
        .backends
        .conversation_source(&settings, System::Analytics, &secrets, &state, |limits| {
            limits
        })
}

/// Reads the transcripts of the contact center, and counts the conversations that have none.
async fn read_transcripts(
    context: &LocalContext,
    args: &SourceArgs,
) -> anyhow::Result<(Vec<(String, Dialogue)>, usize)> {
    let (Some(from), Some(to)) = (args.from, args.to) else {
        bail!("--from and --to say which conversations are read, or --file names a file of calls");
    };
    let source = conversation_source(context)?;
    let mut list = source.began_in(ConversationQuery { from, to })?;
    let mut listed: Vec<Conversation> = Vec::new();
    while let Some(page) = list.next_page(Deadline::within(ANSWER_TIMEOUT)).await? {
        for conversation in page.conversations {
            // A list may name a conversation twice.
            let id = &conversation.conversation_id;
            match listed.iter_mut().find(|known| known.conversation_id == *id) {
                Some(known) => *known = conversation,
                None => listed.push(conversation),
            }
        }
    }
    let mut reads = futures::stream::iter(listed)
        .map(|conversation| {
            let source = &source;
            async move {
                let deadline = Deadline::within(ANSWER_TIMEOUT);
                let read = source.transcript(&conversation, deadline).await;
                (conversation, read)
            }
        })
        .buffered(CONCURRENT_READS);
    let (mut dialogues, mut missing) = (Vec::new(), 0);
    while let Some((conversation, read)) = reads.next().await {
        let id = conversation.conversation_id.clone();
        let (transcript, is_partial) = match read
            .with_context(|| format!("the transcript of {id} was not read"))?
        {
            SourceTranscript::Complete(transcript) => (transcript, false),
            SourceTranscript::Partial(transcript) => (transcript, true),
            SourceTranscript::NotYet | SourceTranscript::Missing | SourceTranscript::Removed => {
                missing += 1;
                continue;
            }
        };
        // Where a part is missing nobody knows how many lines it has.
        let unreadable = transcript.unreadable + usize::from(is_partial);
        let dialogue = dialogue_of_lines(
            &conversation.start_time,
            conversation.duration_seconds,
            transcript.lines,
            unreadable,
        );
        dialogues.push((id, dialogue));
    }
    Ok((dialogues, missing))
}
