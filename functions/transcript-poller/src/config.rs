//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    ContactCenterSecretSettings, CxoneSettings, ObjectSettings, ProviderSecretSettings,
    RuleFileSettings, ShardSettings, StateSettings,
};
use cxone::tenant::live_voice::CustomerMarks;
use insights_core::live::{AlertSettings, AlertSubject, LiveSettings, SuggestionTemplates};
use insights_core::scale::round_share;
use runtime::config::ConfigError;
use runtime::settings::{
    choice, group, millis, number, optional_number, seconds, set_by_lambda, text,
};
use sentiment::{Provider, SentimentSettings};

runtime::settings! {
    /// The configuration of the transcript poller.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret with the credentials for the contact center.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The secret with the keys of services that score or embed.
        pub providers: ProviderSecretSettings = group::<ProviderSecretSettings>(),
        /// The state store of the live calls.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// What is written back into a tenant.
        pub tenant_writes: TenantWrites = group::<TenantWrites>(),
        /// Largest number of open digital contacts of a tenant that are followed by themselves; 0 follows those alone that somebody has
        /// registered.
        pub open_contacts: usize = number("POLL_OPEN_CONTACTS", 0, 0..=1000, "contacts"),
        /// Whether the words of a tenant's calls are listened to while they go on.
        pub voice: VoiceSettings = group::<VoiceSettings>(),
        /// The provider that scores sentiment.
        pub sentiment: SentimentSettings = group::<SentimentSettings>(),
        /// The rules that decide on averages, trends and suggestions.
        pub rules: LiveSettings = group::<RuleSettings>().try_map(RuleSettings::into_settings),
        /// Where the rule file is read from, and how often.
        pub rule_file: RuleFileSettings = group::<RuleFileSettings>(),
        /// The object store that may hold the rule file.
        pub objects: ObjectSettings = group::<ObjectSettings>(),
        /// Delay between two polls of one call.
        pub idle: Duration = millis("POLL_IDLE_MS", 1000, 100..=60_000),
        /// Number of calls in one process above which POLL_BUSY_IDLE_MS takes the place of POLL_IDLE_MS.
        pub busy_calls: usize = number("POLL_BUSY_CALLS", 100, 1..=100_000, "calls"),
        /// Delay between two polls of one call while the process follows many calls.
        pub busy_idle: Duration = millis("POLL_BUSY_IDLE_MS", 2000, 100..=60_000),
        /// Largest number of transcripts that one invocation asks for in a second, over all of its calls.
        pub rate: u32 = number("POLL_RATE_PER_SECOND", 300, 1..=100_000, "requests/s"),
        /// Delay between two reads of the list of live calls.
        pub relist: Duration = millis("POLL_RELIST_MS", 2000, 100..=60_000),
        /// Largest number of calls that one invocation follows.
        pub max_calls: usize = number("POLL_MAX_CALLS", 1000, 1..=100_000, "calls"),
        /// The lists of live calls; one invocation follows one list.
        pub shards: ShardSettings = group::<ShardSettings>(),
        /// Time before its deadline at which an invocation stops and hands its calls over to the next one.
        pub handover: Duration = seconds("POLL_HANDOVER_SECONDS", 5, 1..=60),
        /// Name of this function, which starts one more invocation for each further list of live calls.
        pub function_name: Option<String> = set_by_lambda("AWS_LAMBDA_FUNCTION_NAME", "the name of this function"),
        /// Alias by which this function starts further invocations, so that they run the version that the alias chooses; none is the unpublished code.
        pub function_alias: Option<String> = text("FUNCTION_ALIAS", "the name of an alias of this function"),
    }
}

impl Config {
    /// Scores with a provider that the process has built already, so that two functions of one process share a model.
    #[must_use]
    pub fn with_scorer(mut self, provider: Provider) -> Self {
        self.sentiment = self.sentiment.with_provider(provider);
        self
    }
}

runtime::settings! {
    /// The rules that decide on averages, trends and suggestions.
    struct RuleSettings {
        /// Length of the part of a call that the average covers, in time of the call.
        window: Duration = seconds("WINDOW_SECONDS", LiveSettings::default().window.as_secs(), 1..=3600),
        /// Smallest change of the average that counts as a trend.
        trend_delta: f64 = number("TREND_DELTA", LiveSettings::default().trend_delta, 0.0..=1.0, "score"),
        /// Average below which a declining call raises a suggestion for the agent.
        threshold: f64 = number("SUGGESTION_THRESHOLD", LiveSettings::default().alert.threshold, 0.0..=1.0, "score"),
        /// Average that a call must reach again before the next suggestion.
        rearm: Option<f64> = optional_number("SUGGESTION_REARM", 0.0..=1.0, "score").otherwise("0.05 above SUGGESTION_THRESHOLD"),
        /// Shortest time between two suggestions of one call, in time of the call.
        cooldown: Duration = seconds("SUGGESTION_COOLDOWN_SECONDS", LiveSettings::default().alert.cooldown.as_secs(), 0..=3600),
        /// Speakers whose average raises suggestions.
        subject: AlertSubject = choice("SUGGESTION_SPEAKER", &[("customer", AlertSubject::Customer), ("both", AlertSubject::Both)]),
        /// Texts of the suggestions.
        templates: Option<SuggestionTemplates> = text("SUGGESTION_TEMPLATES", "a JSON list of texts")
            .otherwise("the built-in texts")
            .parse(|json| SuggestionTemplates::from_json(json).map_err(|error| error.to_string())),
        /// Distance behind the newest segment up to which a late segment still counts, in time of the call.
        horizon: Duration = seconds("LATE_HORIZON_SECONDS", LiveSettings::default().memory_horizon.as_secs(), 1..=86_400),
        /// Distance behind the newest segment from which a sweep asks for late segments, in time of the call.
        lookback: Duration = seconds("LATE_LOOKBACK_SECONDS", LiveSettings::default().sweep_lookback.as_secs(), 0..=86_400),
        /// Delay between two sweeps for late segments.
        sweep: Duration = millis("LATE_SWEEP_MS", 5000, 0..=600_000),
        /// Largest number of segments that are scored and stored together.
        batch: usize = number("POLL_BATCH", LiveSettings::default().batch_size, 1..=256, "segments"),
        /// How long the calls of an invocation that died stay reserved for it.
        lease: Duration = seconds("LEASE_SECONDS", LiveSettings::default().lease_duration.as_secs(), 3..=300),
        /// Time without a segment after which a call counts as ended.
        silence: Duration = seconds("SILENCE_END_SECONDS", 600, 10..=86_400),
        /// Time after which everything that was said counts as transcribed, so that the rules of a rule file are decided.
        settle: Duration = millis("RULES_SETTLE_MS", 2000, 0..=60_000),
    }
}

impl RuleSettings {
    /// Returns the rules, or refuses pairs of values that contradict each other.
    fn into_settings(self) -> Result<LiveSettings, ConfigError> {
        let rearm = self
            .rearm
            // To whole thousandths: 0.35 + 0.05 is a little less than 0.4.
            .unwrap_or_else(|| round_share((self.threshold + 0.05_f64).min(1.0)));
        let rules = LiveSettings {
            window: self.window,
            trend_delta: self.trend_delta,
            alert: AlertSettings {
                subject: self.subject,
                threshold: self.threshold,
                rearm,
                cooldown: self.cooldown,
            },
            memory_horizon: self.horizon,
            sweep_lookback: self.lookback,
            sweep_interval: self.sweep,
            batch_size: self.batch,
            lease_duration: self.lease,
            silence_timeout: Some(self.silence),
            templates: self.templates.unwrap_or_default(),
            rule_settle: self.settle,
            ..LiveSettings::default()
        };
        rules.validate().map_err(|error| {
            ConfigError::invalid(
                "SUGGESTION_REARM, WINDOW_SECONDS or LATE_LOOKBACK_SECONDS",
                "in conflict",
                error.to_string(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    fn rules(env: &Env) -> Result<LiveSettings, ConfigError> {
        RuleSettings::from_env(env)?.into_settings()
    }

    #[test]
    fn nothing_set_gives_the_numbers_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(config.rules, LiveSettings::default());
        assert_eq!(config.idle, Duration::from_secs(1));
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        let env = Env::from_pairs([("SUGGESTION_THRESHOLD", "0.5"), ("SUGGESTION_REARM", "0.4")]);
        assert!(rules(&env).unwrap_err().to_string().contains("re-arms"));
        let env = Env::from_pairs([("SUGGESTION_THRESHOLD", "0.5")]);
        assert!((rules(&env).unwrap().alert.rearm - 0.55).abs() < 1e-9);
    }

    #[test]
    fn the_words_of_calls_are_listened_to_only_where_it_is_set() {
        let voice = |pairs: &[(&str, &str)]| {
            Config::from_env(&Env::from_pairs(pairs.iter().copied())).map(|config| config.voice)
        };
        assert!(!voice(&[]).unwrap().notifications);
        let set = voice(&[
            ("CXONE_VOICE_NOTIFICATIONS", "on"),
            ("CXONE_VOICE_CUSTOMER", " customer, p-2,"),
        ]);
        let set = set.unwrap();
        let marks = CustomerMarks::new(vec!["customer".to_owned(), "p-2".to_owned()]);
        assert_eq!((set.notifications, set.customer), (true, Some(marks)));
        for (name, value) in [
            ("CXONE_VOICE_NOTIFICATIONS", "yes"),
            ("CXONE_VOICE_CUSTOMER", "the customer"),
        ] {
            let message = voice(&[(name, value)]).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }

    #[test]
    fn templates_that_cannot_be_used_stop_the_function() {
        let env = Env::from_pairs([("SUGGESTION_TEMPLATES", "[]")]);
        let message = rules(&env).unwrap_err().to_string();
        assert!(
            message.starts_with("SUGGESTION_TEMPLATES is \"[]\""),
            "{message}"
        );
    }
}

/// What the name of a custom field may be.
const FIELD_FORM: &str = "letters, digits, `-` and `_`, at most 100";

/// Checks the name of a custom field.
fn parse_field(text: &str) -> Result<String, String> {
    let is_plain = (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(FIELD_FORM.to_owned())
    }
}

runtime::settings! {
    /// What is written back into a tenant of the profile `cxone`; nothing unless it is set.
    #[derive(Debug, Clone, Default)]
    pub struct TenantWrites {
        /// Custom field of digital contacts that takes the customer's score, at most once a minute. It must be defined in the tenant.
        pub sentiment_field: Option<String> = text("CXONE_SENTIMENT_FIELD", FIELD_FORM).parse(parse_field),
        /// Custom field of digital contacts that takes the trend of the customer's score.
        pub trend_field: Option<String> = text("CXONE_TREND_FIELD", FIELD_FORM).parse(parse_field),
        /// Number of the team whose agents get a message when a conversation goes badly.
        pub alert_team: Option<u64> = optional_number("CXONE_ALERT_TEAM", 1..=999_999_999, "team"),
    }
}

/// What tells the customer in the live words of calls.
const MARKS_FORM: &str =
    "at most ten names of letters, digits and `_.:-`, separated by commas, each at most 100";

/// Reads the channels and participants that are the customer's.
fn parse_marks(text: &str) -> Result<CustomerMarks, String> {
    let marks: Vec<String> = text
        .split(',')
        .map(|mark| mark.trim().to_owned())
        .filter(|mark| !mark.is_empty())
        .collect();
    let is_plain = |mark: &String| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        mark.len() <= 100 && mark.bytes().all(plain)
    };
    if marks.len() <= 10 && marks.iter().all(is_plain) {
        Ok(CustomerMarks::new(marks))
    } else {
        Err(MARKS_FORM.to_owned())
    }
}

runtime::settings! {
    /// How the words of a tenant's calls are listened to while they go on.
    #[derive(Debug, Clone, Default)]
    pub struct VoiceSettings {
        /// Experimental: whether the words of a tenant's calls are listened to while they go on, over a socket that NICE has not published
        /// and supports for no server. Nobody has tried it on a tenant.
        pub notifications: bool = choice("CXONE_VOICE_NOTIFICATIONS", &[("off", false), ("on", true)]),
        /// Channels or participants that are the customer's in those words; everybody else is the agent. Without it the names of the channels
        /// decide, and who remains unknown counts as the customer.
        pub customer: Option<CustomerMarks> = text("CXONE_VOICE_CUSTOMER", MARKS_FORM).parse(parse_marks),
    }
}

impl TenantWrites {
    /// Returns the custom fields that take attributes of a call, each with its value. The customer's sentiment goes before that of both.
    pub(crate) fn fields_of(&self, attributes: &[(&'static str, String)]) -> Vec<(String, String)> {
        let value_of = |names: [&str; 2]| {
            names.iter().find_map(|name| {
                let found = attributes.iter().find(|(attribute, _)| attribute == name);
                found.map(|(_, value)| value.clone())
            })
        };
        let wanted = [
            (
                &self.sentiment_field,
                ["customer_sentiment_score", "realtime_sentiment_score"],
            ),
            (
                &self.trend_field,
                ["customer_sentiment_trend", "sentiment_trend"],
            ),
        ];
        wanted
            .into_iter()
            .filter_map(|(field, names)| Some((field.clone()?, value_of(names)?)))
            .collect()
    }
}
