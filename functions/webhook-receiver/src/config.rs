//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{CallerSecretSettings, QueueSettings, StateSettings};
use runtime::settings::{group, seconds};

runtime::settings! {
    /// The configuration of the webhook receiver.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves callers and senders of webhooks.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The state store, which remembers deliveries.
        pub state: StateSettings = group::<StateSettings>(),
        /// The queue that takes the events.
        pub queue: QueueSettings = group::<QueueSettings>(),
        /// Largest difference between the time of a signature and the time at which the webhook arrives, in either direction.
        pub tolerance: Duration = seconds("WEBHOOK_TOLERANCE_SECONDS", 300, 1..=3600),
    }
}
