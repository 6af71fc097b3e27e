//! [`Backends`]: every store and client that a function works with, opened on AWS or in a folder.

use std::collections::HashMap;
#[cfg(feature = "embedded")]
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use insights_http::client::IdleConnections;
#[cfg(feature = "cxone")]
use insights_http::exchange::HttpClient;
use runtime::config::{ConfigError, Env};
use runtime::settings::Required;
use store::aws::SdkConfig;
use store::secrets::{AnySecretStore, SecretsManager};
use store::state::{DynamoState, State};

use crate::key_source::FunctionSecrets;
use crate::settings::{AwsSettings, CallerSecretSettings, StateSettings};

/// The name of the embedding queue in a folder.
#[cfg(all(feature = "embedded", feature = "queue"))]
const FOLDER_QUEUE: (&str, &str) = ("queue.sqlite", "embedding");

/// Where the stores of a process are, and what it has opened of them.
///
/// Nothing is sent before the first use. Clones share what is open, so that all functions of one process have one state
/// store and one cache of secrets. The `with_` methods replace one part, for tests and for processes whose parts lie in
/// different places.
#[derive(Debug, Clone)]
pub struct Backends {
    place: Place,
    settings: AwsSettings,
    connections: IdleConnections,
    secrets: Opened<Arc<FunctionSecrets>>,
    states: Opened<State>,
    state: Option<State>,
    #[cfg(feature = "cxone")]
    http: Option<HttpClient>,
    #[cfg(feature = "embedded")]
    folder: Option<PathBuf>,
    #[cfg(feature = "objects")]
    objects: Option<store::objects::Objects>,
    #[cfg(feature = "queue")]
    queue: Option<store::queue::AnyQueue>,
    #[cfg(feature = "vectors")]
    vectors: Option<store::vectors::Vectors>,
}

/// Where the stores are.
#[derive(Debug, Clone)]
enum Place {
    /// The stores are in AWS.
    Aws(Box<SdkConfig>),
    /// The stores are in the folder of [`Backends::folder`], with these secrets.
    #[cfg(feature = "embedded")]
    Laptop(Arc<FunctionSecrets>),
}

impl Backends {
    /// Opens the stores of a deployed function: Secrets Manager, DynamoDB, S3, SQS and PostgreSQL. Which table, bucket or
    /// queue a function uses is part of its own configuration.
    ///
    /// Idle connections are closed after each call, since Lambda freezes the process between two invocations.
    ///
    /// # Errors
    /// [`ConfigError`] if `AWS_ENDPOINT_URL` is set to a value that is not allowed.
    pub async fn aws(env: &Env) -> Result<Self, ConfigError> {
        let settings = AwsSettings::from_env(env)?;
        let config = store::aws::load_config(settings.endpoint_url.as_deref()).await;
        Ok(Self::new(
            Place::Aws(Box::new(config)),
            settings,
            IdleConnections::Close,
        ))
    }

    /// Opens the stores of a laptop or a test: SQLite files and objects in `folder`, and the given secrets. The variables that
    /// name deployed stores are not needed and not used.
    ///
    /// Idle connections are kept, since the process runs on between two calls.
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn laptop(folder: impl Into<PathBuf>, secrets: store::secrets::Secrets) -> Self {
        let secrets = Arc::new(FunctionSecrets::new(AnySecretStore::Given(secrets)));
        let settings = AwsSettings {
            endpoint_url: None,
            secret_id: None,
        };
        Self {
            folder: Some(folder.into()),
            ..Self::new(Place::Laptop(secrets), settings, IdleConnections::Keep)
        }
    }

    fn new(place: Place, settings: AwsSettings, connections: IdleConnections) -> Self {
        Self {
            place,
            settings,
            connections,
            secrets: Opened::default(),
            states: Opened::default(),
            state: None,
            #[cfg(feature = "cxone")]
            http: None,
            #[cfg(feature = "embedded")]
            folder: None,
            #[cfg(feature = "objects")]
            objects: None,
            #[cfg(feature = "queue")]
            queue: None,
            #[cfg(feature = "vectors")]
            vectors: None,
        }
    }

    /// Sets the address of AWS services that a laptop uses, such as a topic of SNS.
    #[must_use]
    pub fn with_aws_settings(mut self, settings: AwsSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Replaces what becomes of idle connections.
    #[must_use]
    pub fn with_connections(mut self, connections: IdleConnections) -> Self {
        self.connections = connections;
        self
    }

    /// Replaces the state store.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// Replaces the HTTP clients that call the contact center and receivers of notifications, for simulations.
    #[cfg(feature = "cxone")]
    #[must_use]
    pub fn with_http_client(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Replaces the object store.
    #[cfg(feature = "objects")]
    #[must_use]
    pub fn with_objects(mut self, objects: store::objects::Objects) -> Self {
        self.objects = Some(objects);
        self
    }

    /// Replaces the queue of conversations.
    #[cfg(feature = "queue")]
    #[must_use]
    pub fn with_queue(mut self, queue: store::queue::AnyQueue) -> Self {
        self.queue = Some(queue);
        self
    }

    /// Replaces the vector store.
    #[cfg(feature = "vectors")]
    #[must_use]
    pub fn with_vectors(mut self, vectors: store::vectors::Vectors) -> Self {
        self.vectors = Some(vectors);
        self
    }

    /// Keeps vectors in a SQLite file of this folder where the secret names no database.
    #[cfg(feature = "embedded-vectors")]
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Whether idle connections of clients that are used now and then are kept for the next call.
    #[must_use]
    pub fn connections(&self) -> IdleConnections {
        self.connections
    }

    /// Returns the values of a secret, or of the secret of `SECRET_ID` where it is not set; all functions of a process with
    /// the same secret share one cache. On a laptop all secrets are one.
    ///
    /// # Errors
    /// [`ConfigError`] if neither variable is set where a name is needed.
    pub fn secrets(&self, id: &Required<String>) -> Result<Arc<FunctionSecrets>, ConfigError> {
        self.open_secrets(id, Duration::ZERO)
    }

    /// Returns the secret that proves callers, with its previous version for as long as the settings accept its keys.
    ///
    /// # Errors
    /// As [`Backends::secrets`].
    pub fn caller_secrets(
        &self,
        settings: &CallerSecretSettings,
    ) -> Result<Arc<FunctionSecrets>, ConfigError> {
        self.open_secrets(&settings.id, settings.previous_keys)
    }

    fn open_secrets(
        &self,
        id: &Required<String>,
        previous_for: Duration,
    ) -> Result<Arc<FunctionSecrets>, ConfigError> {
        match &self.place {
            Place::Aws(config) => {
                let id = id.get_or(self.settings.secret_id.as_ref())?;
                let name = format!("{id} {}", previous_for.as_secs());
                self.secrets.get_or_open(&name, || {
                    let manager = SecretsManager::new(config, id.clone());
                    let source = AnySecretStore::Manager(manager.with_previous(previous_for));
                    Ok(Arc::new(FunctionSecrets::new(source)))
                })
            }
            #[cfg(feature = "embedded")]
            Place::Laptop(secrets) => Ok(Arc::clone(secrets)),
        }
    }

    /// Returns the state store; all functions with the same table share one client.
    ///
    /// # Errors
    /// If `STATE_TABLE` is not set where it is needed, or the file of a laptop cannot be opened.
    pub fn state(&self, settings: &StateSettings) -> anyhow::Result<State> {
        if let Some(state) = &self.state {
            return Ok(state.clone());
        }
        match &self.place {
            Place::Aws(config) => {
                let table = settings.table.get()?;
                self.states.get_or_open(table, || {
                    Ok(State::Dynamo(DynamoState::new(config, table.clone())))
                })
            }
            #[cfg(feature = "embedded")]
            Place::Laptop(_) => self.states.get_or_open("state.sqlite", || {
                let file = self.file("state.sqlite");
                Ok(State::Sqlite(store::state::SqliteState::open(file)?))
            }),
        }
    }

    /// Returns the object store.
    ///
    /// # Errors
    /// If `OBJECT_BUCKET` is not set where it is needed, or the folder of a laptop cannot be used.
    #[cfg(feature = "objects")]
    pub fn objects(
        &self,
        settings: &crate::settings::ObjectSettings,
    ) -> anyhow::Result<store::objects::Objects> {
        if let Some(objects) = &self.objects {
            return Ok(objects.clone());
        }
        match &self.place {
            Place::Aws(config) => {
                let bucket = settings.bucket.get()?;
                Ok(store::objects::Objects::open_bucket(config, bucket)?)
            }
            #[cfg(feature = "embedded")]
            Place::Laptop(_) => Ok(store::objects::Objects::open_folder(
                self.folder.clone().unwrap_or_default(),
            )?),
        }
    }

    /// Returns the embedding queue, for a function that only sends.
    ///
    /// # Errors
    /// If `EMBEDDING_QUEUE_URL` is not set where it is needed, or the file of a laptop cannot be opened.
    #[cfg(feature = "queue")]
    pub fn queue(
        &self,
        settings: &crate::settings::QueueSettings,
    ) -> anyhow::Result<store::queue::AnyQueue> {
        self.open_queue(settings, || Ok(None))
    }

    /// Returns the embedding queue, for a function that also sends messages to the dead letters.
    ///
    /// # Errors
    /// As [`Backends::queue`], and if the URL of the dead letters is not set where it is needed.
    #[cfg(feature = "queue")]
    pub fn queue_with_dead_letters(
        &self,
        settings: &crate::settings::QueueSettings,
        dead_letters: &runtime::settings::Required<String>,
    ) -> anyhow::Result<store::queue::AnyQueue> {
        self.open_queue(settings, || Ok(Some(dead_letters.get()?.clone())))
    }

    /// Returns the dead letters of the embedding queue; `None` on a laptop, where they lie in the file of the queue.
    ///
    /// # Errors
    /// If the URL of the queue or of its dead letters is not set where it is needed.
    #[cfg(feature = "queue")]
    pub fn dead_letters(
        &self,
        settings: &crate::settings::QueueSettings,
        dead_letters: &runtime::settings::Required<String>,
    ) -> Result<Option<store::queue::SqsDeadLetters>, ConfigError> {
        match &self.place {
            Place::Aws(config) => {
                let (queue, letters) = (settings.url.get()?, dead_letters.get()?);
                let letters =
                    store::queue::SqsDeadLetters::new(config, queue.clone(), letters.clone());
                Ok(Some(letters))
            }
            #[cfg(feature = "embedded")]
            Place::Laptop(_) => Ok(None),
        }
    }

    /// Returns where conversations wait to be embedded, for their erasure: the dead letters, or the file of a laptop.
    ///
    /// # Errors
    /// If the URL of the queue or of its dead letters is not set where it is needed, or the file of a laptop cannot be opened.
    #[cfg(feature = "erasure")]
    pub fn queued_messages(
        &self,
        settings: &crate::settings::QueueSettings,
        dead_letters: &runtime::settings::Required<String>,
    ) -> anyhow::Result<crate::erasure::QueuedMessages> {
        use crate::erasure::QueuedMessages;
        #[cfg(feature = "embedded")]
        if let Some(store::queue::AnyQueue::Sqlite(queue)) = &self.queue {
            return Ok(QueuedMessages::File(queue.clone()));
        }
        if let Some(letters) = self.dead_letters(settings, dead_letters)? {
            return Ok(QueuedMessages::Sqs(letters));
        }
        #[cfg(feature = "embedded")]
        {
            let (file, name) = FOLDER_QUEUE;
            let file = self.file(file);
            if file.exists() {
                let queue = store::queue::SqliteQueue::open(file, name)?;
                return Ok(QueuedMessages::File(queue));
            }
        }
        Ok(QueuedMessages::Nowhere)
    }

    #[cfg(feature = "queue")]
    fn open_queue(
        &self,
        settings: &crate::settings::QueueSettings,
        dead_letters: impl Fn() -> Result<Option<String>, ConfigError>,
    ) -> anyhow::Result<store::queue::AnyQueue> {
        use store::queue::{AnyQueue, Sqs};
        if let Some(queue) = &self.queue {
            return Ok(queue.clone());
        }
        match &self.place {
            Place::Aws(config) => {
                let url = settings.url.get()?;
                let queue = Sqs::new(config, url.clone(), dead_letters()?);
                Ok(AnyQueue::Sqs(queue))
            }
            #[cfg(feature = "embedded")]
            Place::Laptop(_) => {
                let (file, name) = FOLDER_QUEUE;
                let queue = store::queue::SqliteQueue::open(self.file(file), name)?;
                Ok(AnyQueue::Sqlite(queue))
            }
        }
    }

    /// Returns the vector store of a model: in the database of the secret, or on a laptop without one in a SQLite file. The
    /// database is connected to at the first use, so that a function starts while the database is away.
    ///
    /// # Errors
    /// If the vectors of the model cannot be indexed, or the file of a laptop cannot be opened or holds vectors of another
    /// length.
    #[cfg(feature = "vectors")]
    pub async fn vectors(
        &self,
        secrets: &Arc<FunctionSecrets>,
        model: store::vectors::EmbeddingModel,
        connections: usize,
        access: store::vectors::Access,
    ) -> anyhow::Result<store::vectors::Vectors> {
        if let Some(vectors) = &self.vectors {
            return Ok(vectors.clone());
        }
        #[cfg(feature = "embedded-vectors")]
        if self.folder().is_some() {
            let file = self.file("vectors.sqlite");
            if let Some(vectors) = crate::database::in_file(file, secrets, &model).await? {
                return Ok(vectors);
            }
        }
        Ok(crate::database::in_database(
            secrets,
            model,
            connections,
            access,
        )?)
    }

    /// Returns the HTTP client that `build` makes, or the one that [`Self::with_http_client`] has put in its place.
    ///
    /// # Errors
    /// The error of `build`.
    #[cfg(feature = "cxone")]
    pub fn http_client<C: Into<HttpClient>>(
        &self,
        build: impl FnOnce() -> Result<C, insights_http::Error>,
    ) -> Result<HttpClient, insights_http::Error> {
        match &self.http {
            Some(http) => Ok(http.clone()),
            None => build().map(C::into),
        }
    }

    /// Returns a client of the contact center with the scopes of one system. Its tokens are shared through the state store.
    ///
    /// # Errors
    /// If a URL is missing or not allowed, or TLS cannot be set up.
    #[cfg(feature = "cxone")]
    pub fn cxone_client(
        &self,
        settings: &crate::settings::CxoneSettings,
        system: cxone::endpoints::System,
        secrets: &Arc<FunctionSecrets>,
        state: &State,
    ) -> anyhow::Result<cxone::CxoneClient> {
        let http = self.http_client(|| insights_http::client::build_client(self.connections))?;
        crate::cxone_client::connect(settings, system, secrets, state, &http)
    }

    /// Returns a client of the tenant of the profile `cxone` with one share of the requests, which `processes` processes have
    /// together, as far as their number is known. Its tokens are shared through the state store, and asked for over HTTP/1.1, which every issuer speaks.
    ///
    /// # Errors
    /// If a URL is not allowed, or TLS cannot be set up.
    #[cfg(feature = "cxone")]
    pub fn tenant_client(
        &self,
        settings: &crate::settings::CxoneSettings,
        share: crate::TenantShare,
        processes: u32,
        secrets: &Arc<FunctionSecrets>,
        state: &State,
    ) -> anyhow::Result<cxone::tenant::TenantClient> {
        use insights_http::client::{build_client, build_http1_client};
        let (http, token_http) = match &self.http {
            Some(http) => (http.clone(), http.clone()),
            None => (
                build_client(self.connections)?.into(),
                build_http1_client(self.connections)?.into(),
            ),
        };
        crate::tenant_client::connect(
            settings, share, processes, secrets, state, &http, token_http,
        )
    }

    /// Returns the source of finished conversations for one system, with the API that the profile names. Its calls have these
    /// limits.
    ///
    /// # Errors
    /// As [`Backends::cxone_client`] and [`Backends::tenant_client`].
    #[cfg(feature = "cxone")]
    pub fn conversation_source(
        &self,
        settings: &crate::settings::CxoneSettings,
        system: cxone::endpoints::System,
        secrets: &Arc<FunctionSecrets>,
        state: &State,
        limits: impl FnOnce(insights_http::CallLimits) -> insights_http::CallLimits,
    ) -> anyhow::Result<crate::conversation_source::SharedSource> {
        use crate::conversation_source::{TenantSource, TutorialSource};
        use crate::tenant_settings::Profile;
        Ok(match settings.profile {
            Profile::Tutorial => {
                let client = self.cxone_client(settings, system, secrets, state)?;
                let limits = limits(insights_http::CallLimits::default());
                Arc::new(TutorialSource::new(client.with_limits(limits)))
            }
            Profile::Cxone => {
                let share = match system {
                    cxone::endpoints::System::Embeddings => crate::TenantShare::Embeddings,
                    _ => crate::TenantShare::Reports,
                };
                let client = self.tenant_client(settings, share, 1, secrets, state)?;
                let limits = limits(crate::tenant_client::call_limits());
                let media = settings.tenant.media_types;
                Arc::new(TenantSource::new(client.with_limits(limits), media))
            }
        })
    }

    /// Returns a client of SNS, the notification service of AWS; on a laptop too, since a topic exists nowhere else.
    #[cfg(feature = "sns")]
    pub async fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sdk_config().await)
    }

    /// Returns a client of Lambda, to start invocations with; on a laptop too.
    #[cfg(feature = "lambda")]
    pub async fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk_config().await)
    }

    #[cfg(any(feature = "sns", feature = "lambda"))]
    async fn sdk_config(&self) -> SdkConfig {
        match &self.place {
            Place::Aws(config) => SdkConfig::clone(config),
            #[cfg(feature = "embedded")]
            Place::Laptop(_) => {
                store::aws::load_config(self.settings.endpoint_url.as_deref()).await
            }
        }
    }

    /// Returns the folder of a laptop.
    #[cfg(feature = "embedded-vectors")]
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Returns the path of a file in the folder.
    #[cfg(feature = "embedded")]
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(name)
    }
}

/// What is open already, by name.
#[derive(Debug)]
struct Opened<T>(Arc<Mutex<HashMap<String, T>>>);

impl<T> Clone for Opened<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Opened<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Opened<T> {
    fn get_or_open<E>(&self, name: &str, open: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = opened.get(name) {
            return Ok(found.clone());
        }
        let new = open()?;
        opened.insert(name.to_owned(), new.clone());
        Ok(new)
    }
}
