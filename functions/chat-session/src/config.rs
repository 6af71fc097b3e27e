//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    ContactCenterSecretSettings, CxoneSettings, ObjectSettings, ProviderSecretSettings,
    RuleFileSettings, StateSettings,
};
use backends::tenant_settings::Profile;
use cxone::chat::{Skill, StreamTiming};
use insights_core::chat::escalation::{EscalationPhrases, EscalationSource};
use insights_core::chat::pacing::QueueLimits;
use insights_core::chat::token_bucket::Rate;
use runtime::config::ConfigError;
use runtime::redaction::RedactionSettings;
use runtime::settings::{choice, group, millis, number, seconds, text, url};
use sentiment::{OptionalSentiment, Provider, SentimentSettings};
use sha2::{Digest, Sha256};
use url::Url;

use crate::tenant_chats::EVERYBODY;

/// Largest number of agents whose sessions one invocation works.
pub const MAX_AGENTS: usize = 50;
/// Largest number of agents in the configuration, over all shards.
const MAX_CONFIGURED_AGENTS: usize = 1000;
/// Longest agent id in bytes: the id becomes a key of the state store.
const MAX_AGENT_BYTES: usize = 200;
/// What the list of agents may be.
const AGENTS_ALLOWED: &str = "at most 1000 ids of 1 to 200 bytes without slash, # and control characters, separated by commas";
/// What the list of skills may be.
const SKILLS_ALLOWED: &str = r#"a JSON list of objects such as [{"skill": "billing", "level": 3}]"#;
/// What the topic may be.
const TOPIC_ALLOWED: &str =
    "the ARN of an SNS topic such as arn:aws:sns:eu-central-1:123456789012:name";

runtime::settings! {
    /// The configuration of the chat sessions.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret with the credentials for the contact center.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The secret with the keys of services that score or embed.
        pub providers: ProviderSecretSettings = group::<ProviderSecretSettings>(),
        /// The state store of messages, leases and marks.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// The object store of the archives.
        pub objects: ObjectSettings = group::<ObjectSettings>(),
        /// Where the rule file is read from, and how often.
        pub rule_file: RuleFileSettings = group::<RuleFileSettings>(),
        /// How personal data is masked in the archives.
        pub redaction: RedactionSettings = group::<RedactionSettings>(),
        /// Agents whose chat sessions are worked. One invocation works 50 of them; more need `CHAT_SHARDS`. Without any, the profile `cxone`
        /// works the session `all`, which follows the open contacts of everybody.
        pub agents: Vec<String> = text("CHAT_AGENTS", AGENTS_ALLOWED).parse(parse_agents).map(Option::unwrap_or_default),
        /// Number of shards that the agents are spread over. An event `{"shard": n}` works the agents of one shard; an event without a shard
        /// works all of them.
        pub shards: u32 = number("CHAT_SHARDS", 1, 1..=100, "shards"),
        /// Number of chats that an agent may have at once, for the agent's availability.
        pub maximum_chats: usize = number("CHAT_MAX_CHATS", 5, 0..=100_000, "chats"),
        /// Skills of the agents, sent to the routing engine as they are.
        pub skills: Vec<Skill> = text("CHAT_SKILLS", SKILLS_ALLOWED)
            .parse(|text| serde_json::from_str(text).map_err(|_| SKILLS_ALLOWED.to_owned()))
            .map(Option::unwrap_or_default),
        /// Rate of the messages of one conversation that are worked, and of the messages that an agent sends.
        pub rate: Rate = group::<RateSettings>().try_map(RateSettings::into_rate),
        /// Limits of the messages that wait in memory.
        pub room: QueueLimits = group::<QueueLimitSettings>().try_map(|limits| Ok(limits.into_limits())),
        /// Service level: time from the sending of a message to its arrival above which a breach is counted.
        pub sla: Duration = millis("CHAT_SLA_MS", 2000, 1..=3_600_000),
        /// First delay before the stream is connected again.
        pub reconnect_base: Duration = millis("CHAT_RECONNECT_BASE_MS", 2000, 1..=60_000),
        /// Longest delay before the stream is connected again.
        pub reconnect_cap: Duration = millis("CHAT_RECONNECT_CAP_MS", 30_000, 1..=3_600_000),
        /// Timing of the stream.
        pub timing: StreamTiming = group::<TimingSettings>().try_map(|timing| Ok(timing.into_timing())),
        /// How long the agent of a worker that died stays reserved for it.
        pub lease: Duration = millis("CHAT_LEASE_MS", 10_000, 500..=300_000),
        /// Time before its deadline at which an invocation lets the next one take over. The default leaves room for a schedule of
        /// one minute to start the next one.
        pub handover: Duration = millis("CHAT_HANDOVER_MS", 90_000, 100..=600_000),
        /// Delay from the end of a conversation to its archive, for the last messages.
        pub archive_delay: Duration = millis("CHAT_ARCHIVE_DELAY_MS", 2000, 0..=600_000),
        /// Time without a message after which a conversation counts as ended.
        pub silence: Duration = seconds("CHAT_SILENCE_SECONDS", 3600, 1..=604_800),
        /// How long messages stay in the state store.
        pub retention: Duration = seconds("CHAT_RETENTION_SECONDS", 604_800, 3600..=31_536_000),
        /// Words and phrases that escalate, by severity.
        pub lists: EscalationPhrases = text("CHAT_ESCALATION_LISTS", "a JSON object of lists by severity")
            .otherwise("the built-in lists")
            .parse(|text| EscalationPhrases::from_json(text).map_err(|error| error.to_string()))
            .map(Option::unwrap_or_default),
        /// What decides about escalations: `both` is the exact rules and the signals of the model, `rules` and `signals` are one
        /// of them. Only the model inside the function finds signals.
        pub escalation_source: EscalationSource = choice(
            "CHAT_ESCALATION_SOURCE",
            &[
                ("both", EscalationSource::Both),
                ("rules", EscalationSource::Rules),
                ("signals", EscalationSource::Signals),
            ],
        ),
        /// Speakers whose messages escalate.
        pub escalate_both: bool = choice("CHAT_ESCALATION_SPEAKERS", &[("customer", false), ("both", true)]),
        /// Address that receives a notification of each escalation by POST.
        pub webhook: Option<Url> = url("ESCALATION_WEBHOOK_URL"),
        /// SNS topic that receives a notification of each escalation.
        pub topic: Option<String> = text("ESCALATION_TOPIC_ARN", TOPIC_ALLOWED).parse(parse_topic),
        /// What scores beside the lexicon.
        pub sentiment: Option<SentimentSettings> = group::<OptionalSentiment>().try_map(|sentiment| Ok(sentiment.0)),
    }
}

impl Config {
    /// Returns the agents whose sessions are worked where nobody names others.
    #[must_use]
    pub fn worked_agents(&self) -> Vec<String> {
        match self.cxone.profile {
            Profile::Cxone if self.agents.is_empty() => vec![EVERYBODY.to_owned()],
            _ => self.agents.clone(),
        }
    }

    /// Scores with a provider that the process has built already, so that two functions of one process share a model. Where
    /// only the lexicon scores, the provider is not used.
    #[must_use]
    pub fn with_scorer(mut self, provider: Provider) -> Self {
        self.sentiment = self
            .sentiment
            .map(|sentiment| sentiment.with_provider(provider));
        self
    }
}

runtime::settings! {
    /// How many messages are worked and sent.
    struct RateSettings {
        /// Number of messages of one conversation that are worked in a second, and of messages that an agent sends.
        per_second: f64 = number("CHAT_RATE_PER_SECOND", 10.0, 0.001..=1e6, "messages/s"),
        /// Number of these messages that may come at once.
        capacity: u32 = number("CHAT_RATE_CAPACITY", 20, 1..=1_000_000, "messages"),
    }
}

impl RateSettings {
    fn into_rate(self) -> Result<Rate, ConfigError> {
        Rate::new(self.per_second, self.capacity).map_err(|error| {
            let value = self.per_second.to_string();
            ConfigError::invalid("CHAT_RATE_PER_SECOND", &value, error.to_string())
        })
    }
}

runtime::settings! {
    /// How many messages wait in memory.
    struct QueueLimitSettings {
        /// Number of messages of one conversation that wait in memory; more wait in the state store.
        per_conversation: usize = number("CHAT_WAITING_PER_CONVERSATION", 200, 2..=100_000, "messages"),
        /// Number of messages of all conversations that wait in memory.
        total: usize = number("CHAT_WAITING_TOTAL", 5000, 2..=1_000_000, "messages"),
    }
}

impl QueueLimitSettings {
    fn into_limits(self) -> QueueLimits {
        QueueLimits {
            per_conversation: self.per_conversation,
            total: self.total,
        }
    }
}

runtime::settings! {
    /// Timing of the stream.
    struct TimingSettings {
        /// Delay between two pings that the session sends.
        ping_interval: Duration = millis("CHAT_PING_MS", 20_000, 10..=55_000),
        /// Time without a frame after a ping after which the connection counts as dead.
        pong_timeout: Duration = millis("CHAT_PONG_MS", 10_000, 10..=60_000),
        /// Longest time that the handshake of a connection may take.
        connect: Duration = millis("CHAT_CONNECT_MS", 10_000, 10..=60_000),
    }
}

impl TimingSettings {
    fn into_timing(self) -> StreamTiming {
        StreamTiming {
            ping_interval: self.ping_interval,
            pong_timeout: self.pong_timeout,
            io_timeout: self.connect,
        }
    }
}

/// Checks that these can be the ids of agents.
///
/// # Errors
/// [`ConfigError`] says what is allowed.
pub fn check_agents(agents: &[String]) -> Result<(), ConfigError> {
    if are_agents(agents) {
        return Ok(());
    }
    let value = agents.join(",");
    Err(ConfigError::invalid("CHAT_AGENTS", &value, AGENTS_ALLOWED))
}

/// Returns the shard of an agent, which is the same in every process.
#[must_use]
pub fn shard_of(agent: &str, shards: u32) -> u32 {
    let digest = Sha256::digest(agent);
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    number % shards.max(1)
}

fn are_agents(agents: &[String]) -> bool {
    let is_id = |agent: &String| {
        (1..=MAX_AGENT_BYTES).contains(&agent.len())
            && !agent
                .chars()
                .any(|c| c.is_control() || c == '/' || c == '#')
    };
    agents.len() <= MAX_CONFIGURED_AGENTS && agents.iter().all(is_id)
}

fn parse_agents(list: &str) -> Result<Vec<String>, String> {
    let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty());
    let agents: Vec<String> = ids.map(str::to_owned).collect();
    if are_agents(&agents) {
        Ok(agents)
    } else {
        Err(AGENTS_ALLOWED.to_owned())
    }
}

fn parse_topic(text: &str) -> Result<String, String> {
    if text.starts_with("arn:") && text.split(':').count() == 6 {
        Ok(text.to_owned())
    } else {
        Err(TOPIC_ALLOWED.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

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
    fn agents_are_spread_over_shards_and_stay_there() {
        let mut counts = [0; 4];
        for number in 0..400 {
            let agent = format!("agent-{number:03}");
            let shard = shard_of(&agent, 4);
            assert_eq!(shard, shard_of(&agent, 4));
            assert_eq!(shard_of(&agent, 1), 0);
            counts[shard as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (60..140).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn without_agents_a_tenant_has_the_session_of_everybody() {
        let agents = |pairs: &[(&'static str, &'static str)]| {
            let env = Env::from_pairs(pairs.iter().copied());
            Config::from_env(&env).unwrap().worked_agents()
        };
        assert!(agents(&[]).is_empty());
        assert_eq!(agents(&[("CXONE_PROFILE", "cxone")]), ["all"]);
        let own = [("CXONE_PROFILE", "cxone"), ("CHAT_AGENTS", "a-1")];
        assert_eq!(agents(&own), ["a-1"]);
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
