//! The state of a simulated contact center, which all request handlers share.

use std::sync::{PoisonError, RwLock};

use crate::chat::state::State as ChatState;
use crate::conversations::state::State as ConversationsState;
use crate::data_actions::state::State as DataActionsState;
use crate::fault::Faults;
use crate::idempotency::Idempotency;
use crate::live::state::State as LiveState;
use crate::oauth::tokens::Tokens;
use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::traffic::counts::Traffic;

/// The state of a simulated contact center. Each system has its own field.
#[derive(Debug)]
pub struct World {
    settings: RwLock<Settings>,
    /// Tokens that were issued so far.
    pub tokens: Tokens,
    /// Fault rules that are in force.
    pub faults: Faults,
    /// Counts of the requests that came.
    pub traffic: Traffic,
    /// Answers to calls with an idempotency key.
    pub idempotency: Idempotency,
    /// Data Actions that were registered.
    pub data_actions: DataActionsState,
    /// Live calls with their attributes and suggestions.
    pub live: LiveState,
    /// Chats, agents and their connections.
    pub chat: ChatState,
    /// Past conversations, generated and fixed.
    pub conversations: ConversationsState,
}

impl World {
    /// Returns the state at the start of a scenario.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self {
            settings: RwLock::new(scenario.settings),
            tokens: Tokens::default(),
            faults: Faults::new(scenario.seed, scenario.faults),
            traffic: Traffic::default(),
            idempotency: Idempotency::default(),
            data_actions: DataActionsState::default(),
            live: LiveState::new(scenario.calls),
            chat: ChatState::new(scenario.seed, scenario.chat),
            conversations: ConversationsState::new(scenario.seed, scenario.conversations),
        }
    }

    /// Returns the settings that are in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the settings, for example to rotate the client secret.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(
            &mut self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
