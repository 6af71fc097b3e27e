//! What the function works with.

use std::sync::Arc;

use backends::Backends;
use backends::board::Board;
use backends::caller_keys::Callers;
use backends::interactions::Interactions;
use insights_core::intent::{IntentCategories, IntentClassifier};
use store::state::State;

use crate::config::Config;
use crate::ended_sessions::EndedSessions;
use crate::login_limit::LoginLimit;
use crate::sign_on::application::SignOn;
use crate::snapshots::Snapshots;
use crate::transcript_center::TranscriptCenter;

/// How the replies of this process reach browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A gateway waits for whole replies: the stream of events is a short reply, and the browser asks again.
    Whole,
    /// The server keeps replies open: the stream of events goes on.
    Open,
}

/// What the supervisor board works with; built once at start.
#[derive(Debug)]
pub struct Deps {
    /// The configuration of the function.
    pub config: Config,
    /// The check of keys and sessions.
    pub callers: Callers,
    /// The rows of the board.
    pub board: Board<State>,
    /// What all open boards of this process show.
    pub snapshots: Arc<Snapshots>,
    /// The live calls in the state store.
    pub calls: Interactions<State>,
    /// The state store, for the scores of chats.
    pub state: State,
    /// The contact center that transcripts are read from.
    pub center: TranscriptCenter,
    /// The intents that call cards name a reason by.
    pub intents: IntentClassifier,
    /// The login at a provider, where one is configured.
    pub sign_on: Option<SignOn>,
    /// The sessions that were ended by a logout.
    pub ended_sessions: Arc<EndedSessions>,
    /// The limit on failed logins.
    pub login_limit: LoginLimit,
    /// How replies reach browsers.
    pub delivery: Delivery,
}

impl Deps {
    /// Builds the dependencies of a process behind a gateway.
    ///
    /// # Errors
    /// If the name of a store or the contact center's URL is missing, or the settings of single sign-on do not fit together.
    pub fn new(backends: &Backends, config: Config) -> anyhow::Result<Self> {
        let state = backends.state(&config.state)?;
        let secrets = backends.secrets(&config.contact_center.id)?;
        let center = TranscriptCenter::open(backends, &config.cxone, &secrets, &state)?;
        let board = Board::new(state.clone(), config.shards.count);
        Ok(Self {
            callers: Callers::new(backends.caller_secrets(&config.callers)?),
            snapshots: Arc::new(Snapshots::new(board.clone(), config.refresh)),
            calls: Interactions::new(state.clone(), config.shards.count),
            center,
            intents: IntentClassifier::new(IntentCategories::default(), None)?,
            sign_on: SignOn::open(&config.sign_on, backends)?,
            ended_sessions: Arc::new(EndedSessions::new(state.clone())),
            login_limit: LoginLimit::default(),
            delivery: Delivery::Whole,
            board,
            state,
            config,
        })
    }

    /// Keeps the streams of events open, for a server that can.
    #[must_use]
    pub fn with_open_streams(mut self) -> Self {
        self.delivery = Delivery::Open;
        self
    }
}
