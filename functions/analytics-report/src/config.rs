//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    ContactCenterSecretSettings, CxoneSettings, ObjectSettings, RuleFileSettings, StateSettings,
};
use feeder::config::DeliverySettings;
use insights_core::outcomes::OutcomeMap;
use insights_core::pii::RedactionPolicy;
use insights_core::topics::{ClusterSettings, VocabularyLimits};
use runtime::redaction::RedactionSettings;
use runtime::settings::{choice, group, number, seconds, text};

runtime::settings! {
    /// The configuration of the analytics report.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret with the credentials for the contact center.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The state store, which shares access tokens.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// Where the finished conversations of a tenant are put.
        pub feed: DeliverySettings = group::<DeliverySettings>(),
        /// The object store of parts and reports.
        pub objects: ObjectSettings = group::<ObjectSettings>(),
        /// Where the rule file is read from, and how often.
        pub rule_file: RuleFileSettings = group::<RuleFileSettings>(),
        /// Largest number of transcripts that are asked for in a second. A smaller limit of the contact center goes first.
        pub requests_per_second: u32 = number("REPORT_REQUESTS_PER_SECOND", 100, 1..=10_000, "requests/s"),
        /// Largest number of transcripts that are asked for at the same time.
        pub concurrency: usize = number("REPORT_CONCURRENCY", 16, 1..=256, "requests"),
        /// How long the report waits for a contact center that is out of reach, while its time allows. The report fails then, and
        /// its next run goes on from the checkpoints.
        pub outage_wait: Duration = seconds("REPORT_OUTAGE_WAIT_SECONDS", 300, 0..=3600),
        /// Which outcome each disposition stands for, in upper or lower case. A disposition that is not in the table has the outcome
        /// Other and is counted by its code.
        pub outcome_map: OutcomeMap = text("REPORT_OUTCOME_MAP", OutcomeMap::FORM)
            .parse(OutcomeMap::parse)
            .otherwise(OutcomeMap::DEFAULT)
            .map(Option::unwrap_or_default),
        /// How the topics are clustered.
        pub topics: ClusterSettings = group::<TopicSettings>().try_map(|topics| Ok(topics.into_cluster_settings())),
        /// The vocabulary of the topics.
        pub vocabulary: VocabularyLimits = group::<VocabularySettings>().try_map(|vocabulary| Ok(vocabulary.into_limits())),
        /// The policy by which personal data in the transcripts is masked, in the CSV files as well as in the checkpoints; `None` if
        /// it is not masked.
        pub redaction: Option<RedactionPolicy> = group::<ReportRedactionSettings>().try_map(|settings| Ok(settings.into_policy())),
    }
}

runtime::settings! {
    /// Whether and how personal data is masked in reports.
    struct ReportRedactionSettings {
        /// How personal data is masked in general.
        general: RedactionSettings = group::<RedactionSettings>(),
        /// Whether personal data in the transcripts of reports is masked: `auto` is as `REDACT_PII` says for everything that is written,
        /// `yes` and `no` are for reports whatever `REDACT_PII` says.
        choice: ReportRedaction = choice("REPORT_REDACT", &[
            ("auto", ReportRedaction::AsWritten),
            ("yes", ReportRedaction::Always),
            ("no", ReportRedaction::Never),
        ]),
    }
}

/// Whether the transcripts of reports are masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportRedaction {
    /// They are masked where everything that is written is masked.
    AsWritten,
    /// Transcripts are masked whatever the policy of the stack says.
    Always,
    /// They are not masked.
    Never,
}

impl ReportRedactionSettings {
    fn into_policy(self) -> Option<RedactionPolicy> {
        match self.choice {
            ReportRedaction::AsWritten => self.general.for_stores(),
            ReportRedaction::Always => Some(self.general.policy()),
            ReportRedaction::Never => None,
        }
    }
}

runtime::settings! {
    /// How the topics are clustered.
    struct TopicSettings {
        /// Number of topics that the conversations are clustered into.
        clusters: usize = number("REPORT_TOPICS", ClusterSettings::default().clusters, 1..=50, "topics"),
        /// How often the clustering starts from other centers; the best result is kept.
        starts: usize = number("REPORT_TOPIC_STARTS", ClusterSettings::default().starts, 1..=100, "starts"),
        /// Seed of the random numbers of the clustering.
        seed: u32 = number("REPORT_SEED", ClusterSettings::default().seed, 0..=u32::MAX, "seed"),
    }
}

impl TopicSettings {
    fn into_cluster_settings(self) -> ClusterSettings {
        ClusterSettings {
            clusters: self.clusters,
            starts: self.starts,
            seed: self.seed,
        }
    }
}

runtime::settings! {
    /// The vocabulary of the topics.
    struct VocabularySettings {
        /// Largest number of terms in the vocabulary; the most frequent terms are kept.
        max_features: usize = number("REPORT_MAX_FEATURES", VocabularyLimits::default().max_features, 1..=100_000, "terms"),
        /// Number of conversations in which a term must occur.
        min_documents: usize = number("REPORT_MIN_DF", VocabularyLimits::default().min_documents, 1..=1_000_000, "conversations"),
        /// Share of all conversations in which a term may occur.
        max_share: f64 = number("REPORT_MAX_DF", VocabularyLimits::default().max_share, 0.0..=1.0, "share"),
    }
}

impl VocabularySettings {
    fn into_limits(self) -> VocabularyLimits {
        VocabularyLimits {
            max_features: self.max_features,
            min_documents: self.min_documents,
            max_share: self.max_share,
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    #[test]
    fn nothing_set_gives_the_numbers_of_the_contract() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(
            (
                config.topics.clusters,
                config.topics.starts,
                config.topics.seed
            ),
            (5, 10, 42)
        );
        let vocabulary = config.vocabulary;
        assert_eq!(
            (
                vocabulary.max_features,
                vocabulary.min_documents,
                vocabulary.max_share
            ),
            (500, 2, 0.95)
        );
    }

    #[test]
    fn transcripts_are_masked_unless_it_is_set_otherwise() {
        let is_masked = |pairs: &[(&str, &str)]| {
            let env = Env::from_pairs(pairs.iter().copied());
            Config::from_env(&env).unwrap().redaction.is_some()
        };
        assert!(is_masked(&[]));
        assert!(is_masked(&[("REDACT_PII", "always")]));
        assert!(!is_masked(&[("REDACT_PII", "off")]));
        assert!(is_masked(&[
            ("REDACT_PII", "off"),
            ("REPORT_REDACT", "yes")
        ]));
        assert!(!is_masked(&[("REPORT_REDACT", "no")]));
    }

    #[test]
    fn outcomes_are_those_of_the_contract_unless_a_table_is_set() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!(config.outcome_map, OutcomeMap::default());
        let env = Env::from_pairs([("REPORT_OUTCOME_MAP", "Sale=Success,7042=Escalation")]);
        let map = Config::from_env(&env).unwrap().outcome_map;
        assert_eq!(
            map,
            OutcomeMap::parse("sale=Success,7042=Escalation").unwrap()
        );
        let env = Env::from_pairs([("REPORT_OUTCOME_MAP", "sale=Great")]);
        let message = Config::from_env(&env).unwrap_err().to_string();
        assert!(
            message.contains("REPORT_OUTCOME_MAP") && message.contains("Abandoned"),
            "{message}"
        );
    }

    #[test]
    fn a_bad_number_is_refused_by_name() {
        let message = Config::from_env(&Env::from_pairs([("REPORT_MAX_DF", "95")]))
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "REPORT_MAX_DF is \"95\", but must be a number from 0 to 1"
        );
    }
}
