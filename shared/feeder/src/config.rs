//! The settings of the feeder, read once at start.

use backends::settings::{
    ContactCenterSecretSettings, CxoneSettings, QueueSettings, StateSettings,
};
use runtime::settings::{group, number};

runtime::settings! {
    /// The configuration of the embedding feeder.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret with the credentials for the contact center.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The state store of checkpoints, known conversations and access tokens.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// Where conversations are put, and how fast.
        pub delivery: DeliverySettings = group::<DeliverySettings>(),
    }
}

runtime::settings! {
    /// Where the conversations of a contact center are put, and how fast.
    #[derive(Debug, Clone)]
    pub struct DeliverySettings {
        /// The queue that conversations are put into.
        pub queue: QueueSettings = group::<QueueSettings>(),
        /// Largest number of conversations that are put into the embedding queue in a second, so that those of the webhook, which
        /// wait in the same queue, are not held up.
        pub conversations_per_second: u32 = number("FEED_CONVERSATIONS_PER_SECOND", 2, 1..=1000, "conversations/s"),
    }
}
