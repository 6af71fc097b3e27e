//! All state of a simulated contact centre.

use std::sync::{PoisonError, RwLock};

use crate::fault::Faults;
use crate::idempotency::Idempotency;
use crate::live;
use crate::oauth::Tokens;
use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::traffic::Traffic;
use crate::{chat, conversations, data_actions};

/// The state, shared by all handlers; a field a system.
#[derive(Debug)]
pub struct World {
    settings: RwLock<Settings>,
    /// The tokens given so far.
    pub tokens: Tokens,
    /// The faults to come.
    pub faults: Faults,
    /// What came over the wire.
    pub traffic: Traffic,
    /// The calls that carried an idempotency key.
    pub idempotency: Idempotency,
    /// The registered Data Actions.
    pub data_actions: data_actions::State,
    /// The live calls.
    pub live: live::State,
    /// Chats, agents and their connections.
    pub chat: chat::State,
    /// The past conversations.
    pub conversations: conversations::State,
}

impl World {
    /// The state at the beginning of a scenario.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self {
            settings: RwLock::new(scenario.settings),
            tokens: Tokens::default(),
            faults: Faults::new(scenario.seed, scenario.faults),
            traffic: Traffic::default(),
            idempotency: Idempotency::default(),
            data_actions: data_actions::State::default(),
            live: live::State::new(scenario.calls),
            chat: chat::State::new(scenario.seed, scenario.chat),
            conversations: conversations::State::new(scenario.seed, scenario.conversations),
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the settings, e.g. to rotate the client secret.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(
            &mut self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
