//! What a scenario sets up for past conversations, and the conversations themselves.

use serde::{Deserialize, Serialize};

/// The settings of past conversations in a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conversations {
    /// Number of generated conversations per working day; the default is 400, at most 65,536.
    pub per_day: u32,
    /// Number of conversations per page; the default is 200.
    pub page_size: usize,
    /// Share of generated conversations without a transcript; the default is 0.04.
    pub missing: f64,
    /// Share of generated conversations in which nobody says anything; the default is 0.01.
    pub empty: f64,
    /// How a page links to the next one; by default with an absolute URL.
    pub links: Links,
    /// Conversations in addition to the generated ones.
    pub fixed: Vec<Fixed>,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            per_day: 400,
            page_size: 200,
            missing: 0.04,
            empty: 0.01,
            links: Links::Absolute,
            fixed: Vec::new(),
        }
    }
}

impl Conversations {
    /// Returns settings with these conversations and without generated ones.
    #[must_use]
    pub fn only(fixed: Vec<Fixed>) -> Self {
        Self {
            per_day: 0,
            fixed,
            ..Self::default()
        }
    }
}

/// How a page of the list links to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// Links by an absolute URL.
    Absolute,
    /// Links by a relative path.
    Relative,
    /// Links by a relative path; the last page links to the first one.
    Loop,
    /// Links by a URL of another host.
    Foreign,
}

/// A past conversation with its transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Id of the conversation.
    pub conversation_id: String,
    /// Start of the conversation in ISO 8601.
    pub start_time: String,
    /// Duration of the conversation in seconds.
    pub duration: u64,
    /// Disposition of the conversation; null in the list if empty.
    pub disposition: String,
    /// Lines of the transcript; without lines, there is no transcript.
    #[serde(default)]
    pub lines: Option<Vec<Line>>,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Who says the line.
    pub author: Author,
    /// What the author says.
    pub text: String,
    /// Time of the line in ISO 8601; null if left out.
    #[serde(default)]
    pub timestamp: Option<String>,
}

/// The author of a transcript line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The agent of the contact center.
    Agent,
    /// The customer of the contact center.
    Customer,
    /// The platform, for example an announcement.
    System,
}
