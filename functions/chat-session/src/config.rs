//! The function's configuration, read once at start.

use std::time::Duration;

use cxone::chat::{Skill, StreamTiming};
use insights_core::chat::escalation::EscalationPhrases;
use insights_core::chat::pacing::QueueLimits;
use insights_core::chat::token_bucket::Rate;
use runtime::config::{ConfigError, Env};
use sentiment::Settings;
use url::Url;

/// Most agents one invocation works.
const AGENTS: usize = 50;
/// Longest agent id in bytes: it becomes a key of the state store.
const AGENT_BYTES: usize = 200;

/// The configuration; each field says its variable and default.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CHAT_AGENTS`: ids separated by commas; none.
    pub agents: Vec<String>,
    /// `CHAT_MAX_CHATS`: chats an agent may have at once, for availability; 5.
    pub maximum_chats: usize,
    /// `CHAT_SKILLS`: a JSON list of objects, sent to the routing engine as they are; none.
    pub skills: Vec<Skill>,
    /// `CHAT_RATE_PER_SECOND` and `CHAT_RATE_CAPACITY`: messages of one conversation that are worked, and messages an agent
    /// sends; 10 a second, 20 at once.
    pub rate: Rate,
    /// `CHAT_WAITING_PER_CONVERSATION` (200) and `CHAT_WAITING_TOTAL` (5000): messages that wait in memory for their turn;
    /// the others wait in the state store.
    pub room: QueueLimits,
    /// `CHAT_SLA_MS`: from send to receive; 2000.
    pub sla: Duration,
    /// `CHAT_RECONNECT_BASE_MS`: 2000.
    pub reconnect_base: Duration,
    /// `CHAT_RECONNECT_CAP_MS`: 30000.
    pub reconnect_cap: Duration,
    /// `CHAT_PING_MS` (20000), `CHAT_PONG_MS` (10000) and `CHAT_CONNECT_MS` (10000).
    pub timing: StreamTiming,
    /// `CHAT_LEASE_MS`: how long a worker that died keeps its agent; 10000.
    pub lease: Duration,
    /// `CHAT_HANDOVER_MS`: how long before its deadline an invocation lets the next one take over; 90000, so that a schedule
    /// of one minute starts one in it.
    pub handover: Duration,
    /// `CHAT_ARCHIVE_DELAY_MS`: from the end of a conversation to its archive, for its last messages; 2000.
    pub archive_delay: Duration,
    /// `CHAT_SILENCE_SECONDS`: a conversation without messages for this long counts as ended; 3600.
    pub silence: Duration,
    /// `CHAT_RETENTION_SECONDS`: how long messages stay in the state store; 604800 (7 days).
    pub retention: Duration,
    /// `CHAT_ESCALATION_LISTS`: JSON, see [`EscalationPhrases`]; the default lists.
    pub lists: EscalationPhrases,
    /// `CHAT_ESCALATION_SPEAKERS`: whose messages escalate, `customer` or `both`; customer.
    pub escalate_both: bool,
    /// `ESCALATION_WEBHOOK_URL`: a webhook that is notified of each escalation; none.
    pub webhook: Option<Url>,
    /// `ESCALATION_TOPIC_ARN`: an SNS topic that is notified of each escalation; none.
    pub topic: Option<String>,
    /// What scores beside the lexicon: `SENTIMENT_PROVIDER`, here also `lexicon`, which is nothing else.
    pub sentiment: Option<Settings>,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let agents = agents(env)?;
        Ok(Self {
            agents,
            maximum_chats: env.number("CHAT_MAX_CHATS", 5, 0..=100_000)?,
            skills: skills(env)?,
            rate: rate(env)?,
            room: room(env)?,
            sla: env.millis(
                "CHAT_SLA_MS",
                insights_core::chat::sla::DEFAULT_SERVICE_LEVEL,
                1..=3_600_000,
            )?,
            reconnect_base: env.millis(
                "CHAT_RECONNECT_BASE_MS",
                Duration::from_secs(2),
                1..=60_000,
            )?,
            reconnect_cap: env.millis(
                "CHAT_RECONNECT_CAP_MS",
                Duration::from_secs(30),
                1..=3_600_000,
            )?,
            timing: timing(env)?,
            lease: env.millis("CHAT_LEASE_MS", Duration::from_secs(10), 500..=300_000)?,
            handover: env.millis("CHAT_HANDOVER_MS", Duration::from_secs(90), 100..=600_000)?,
            archive_delay: env.millis(
                "CHAT_ARCHIVE_DELAY_MS",
                Duration::from_secs(2),
                0..=600_000,
            )?,
            silence: env.seconds(
                "CHAT_SILENCE_SECONDS",
                Duration::from_secs(3600),
                1..=604_800,
            )?,
            retention: env.seconds(
                "CHAT_RETENTION_SECONDS",
                Duration::from_secs(604_800),
                3600..=31_536_000,
            )?,
            lists: lists(env)?,
            escalate_both: env.choice(
                "CHAT_ESCALATION_SPEAKERS",
                &[("customer", false), ("both", true)],
            )?,
            webhook: env.url("ESCALATION_WEBHOOK_URL")?,
            topic: topic(env)?,
            sentiment: Settings::beside_the_lexicon(env)?,
        })
    }
}

/// Whether these can be agents' ids.
///
/// # Errors
/// [`ConfigError`] names what is wrong.
pub fn check_agents(agents: &[String]) -> Result<(), ConfigError> {
    let fine = |agent: &String| {
        (1..=AGENT_BYTES).contains(&agent.len())
            && !agent
                .chars()
                .any(|c| c.is_control() || c == '/' || c == '#')
    };
    if agents.len() <= AGENTS && agents.iter().all(fine) {
        return Ok(());
    }
    let allowed = "at most 50 ids of 1 to 200 bytes without slash, # and control characters, separated by commas";
    Err(invalid("CHAT_AGENTS", &agents.join(","), allowed))
}

fn agents(env: &Env) -> Result<Vec<String>, ConfigError> {
    let list = env.text("CHAT_AGENTS").unwrap_or_default();
    let agents: Vec<String> = list
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    check_agents(&agents)?;
    Ok(agents)
}

fn skills(env: &Env) -> Result<Vec<Skill>, ConfigError> {
    let Some(text) = env.text("CHAT_SKILLS") else {
        return Ok(Vec::new());
    };
    let allowed = r#"a JSON list of objects such as [{"skill": "billing", "level": 3}]"#;
    serde_json::from_str(text).map_err(|_| invalid("CHAT_SKILLS", text, allowed))
}

fn timing(env: &Env) -> Result<StreamTiming, ConfigError> {
    Ok(StreamTiming {
        ping_interval: env.millis("CHAT_PING_MS", Duration::from_secs(20), 10..=55_000)?,
        pong_timeout: env.millis("CHAT_PONG_MS", Duration::from_secs(10), 10..=60_000)?,
        io_timeout: env.millis("CHAT_CONNECT_MS", Duration::from_secs(10), 10..=60_000)?,
    })
}

fn room(env: &Env) -> Result<QueueLimits, ConfigError> {
    Ok(QueueLimits {
        per_conversation: env.number("CHAT_WAITING_PER_CONVERSATION", 200, 2..=100_000)?,
        total: env.number("CHAT_WAITING_TOTAL", 5000, 2..=1_000_000)?,
    })
}

fn rate(env: &Env) -> Result<Rate, ConfigError> {
    let per_second = env.number("CHAT_RATE_PER_SECOND", 10.0, 0.001..=1e6)?;
    let capacity = env.number("CHAT_RATE_CAPACITY", 20, 1..=1_000_000)?;
    Rate::new(per_second, capacity).map_err(|error| {
        invalid(
            "CHAT_RATE_PER_SECOND",
            &per_second.to_string(),
            &error.to_string(),
        )
    })
}

fn lists(env: &Env) -> Result<EscalationPhrases, ConfigError> {
    let Some(text) = env.text("CHAT_ESCALATION_LISTS") else {
        return Ok(EscalationPhrases::default());
    };
    EscalationPhrases::from_json(text)
        .map_err(|error| invalid("CHAT_ESCALATION_LISTS", text, &error.to_string()))
}

fn topic(env: &Env) -> Result<Option<String>, ConfigError> {
    let Some(text) = env.text("ESCALATION_TOPIC_ARN") else {
        return Ok(None);
    };
    if text.starts_with("arn:") && text.split(':').count() == 6 {
        return Ok(Some(text.to_owned()));
    }
    Err(invalid(
        "ESCALATION_TOPIC_ARN",
        text,
        "the ARN of an SNS topic such as arn:aws:sns:eu-central-1:123456789012:name",
    ))
}

fn invalid(name: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError::Invalid {
        name: name.to_owned(),
        value: value.chars().take(200).collect(),
        allowed: allowed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_gives_the_numbers_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(config.rate, Rate::chat_messages());
        assert_eq!(
            (config.sla.as_millis(), config.reconnect_base.as_millis()),
            (2000, 2000)
        );
        assert!(config.timing.ping_interval + config.timing.pong_timeout < Duration::from_secs(60));
        assert!(config.lease < Duration::from_secs(20) && config.agents.is_empty());
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        let cases = [
            ("CHAT_AGENTS", "a/b"),
            ("CHAT_SKILLS", "billing"),
            ("CHAT_RATE_PER_SECOND", "0"),
            ("CHAT_ESCALATION_LISTS", r#"{"urgent": [""]}"#),
            ("ESCALATION_TOPIC_ARN", "topic"),
            ("ESCALATION_WEBHOOK_URL", "ftp://x"),
            ("CHAT_PING_MS", "60000"),
            ("SENTIMENT_PROVIDER", "cloud"),
        ];
        for (name, value) in cases {
            let error = Config::from_env(&Env::from_pairs([(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn agents_and_skills_are_lists() {
        let env = Env::from_pairs([
            ("CHAT_AGENTS", "a-1, a-2,"),
            ("CHAT_SKILLS", r#"[{"skill": "billing"}]"#),
        ]);
        let config = Config::from_env(&env).unwrap();
        assert_eq!(config.agents, ["a-1", "a-2"]);
        assert_eq!(
            serde_json::to_string(&config.skills).unwrap(),
            r#"[{"skill":"billing"}]"#
        );
    }
}
