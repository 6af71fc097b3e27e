//! The settings of the function, read once at start.

use std::time::Duration;

use backends::settings::{
    CallerSecretSettings, ContactCenterSecretSettings, CxoneSettings, ShardSettings, StateSettings,
};
use runtime::settings::{group, millis, number};

runtime::settings! {
    /// The configuration of the supervisor board.
    #[derive(Debug, Clone)]
    pub struct Config {
        /// The secret that proves supervisors.
        pub callers: CallerSecretSettings = group::<CallerSecretSettings>(),
        /// The secret with the credentials for the contact center, from which transcripts are read through.
        pub contact_center: ContactCenterSecretSettings = group::<ContactCenterSecretSettings>(),
        /// The state store with the rows of the board.
        pub state: StateSettings = group::<StateSettings>(),
        /// How the contact center is reached.
        pub cxone: CxoneSettings = group::<CxoneSettings>(),
        /// The lists of live calls, whose rows the board reads.
        pub shards: ShardSettings = group::<ShardSettings>(),
        /// Shortest time between two reads of the rows; all open boards of a process share them.
        pub refresh: Duration = millis("BOARD_REFRESH_MS", 1000, 200..=60_000),
        /// Time after which a browser asks again, where a reply cannot stay open.
        pub retry: Duration = millis("BOARD_RETRY_MS", 2000, 500..=60_000),
        /// How long a supervisor stays logged in.
        pub session_hours: u32 = number("BOARD_SESSION_HOURS", 10, 1..=72, "hours"),
        /// How long it is kept who acknowledged, snoozed or called wrong which alert, for the replay of rules.
        pub mark_retention_days: u32 = number("BOARD_MARK_RETENTION_DAYS", 90, 1..=730, "days"),
    }
}
