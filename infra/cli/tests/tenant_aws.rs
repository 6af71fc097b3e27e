//! `embed --from-cxone --aws`, as an operator runs it: conversations of a simulated tenant into PostgreSQL, with what is known of them in
//! DynamoDB and the credentials in Secrets Manager.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cxone_simulator::tenant::{Quirk, Quirks, TenantHandle, TenantSettings, TenantSimulator};
use cxone_simulator::{Conversations, Scenario};
use jiff::{SignedDuration, Timestamp};
use store::state::lease::Lease;
use store::state::{DynamoState, Expect, Key, StateStore};

/// Longest time that something may take which a test waits for; it only ends a test that hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// Starts a tenant with every habit that a client can work with, whose conversations stay as they are while the test runs.
async fn settled_tenant() -> TenantHandle {
    let scenario = Scenario {
        conversations: Conversations {
            per_day: 8,
            ..Conversations::default()
        },
        tenant: TenantSettings {
            quirks: Quirks::all_workable().without(Quirk::RemovedContent),
            history_days: 3,
            transcript_delay_seconds: 0,
            ..TenantSettings::default()
        },
        ..Scenario::default()
    };
    TenantSimulator::start(scenario).await.expect("a tenant")
}

/// One row of the vector table: its text, and the number of the transaction that wrote it last.
type Row = (String, String);

/// The deployed stores of one test, with nothing in them.
struct Deployment {
    settings: dev_stack::Settings,
    database: dev_stack::Database,
    folder: tempfile::TempDir,
    state: DynamoState,
    lease: Key,
}

impl Deployment {
    async fn create(tenant: &TenantHandle) -> Self {
        let aws = dev_stack::aws();
        let database = dev_stack::create_database();
        let mut settings = dev_stack::unique_environment_on(&aws, "tenant-embed");
        dev_stack::create_resources(&settings, &database.url).expect("the resources");
        // In this profile the setting replaces the host that the discovery names.
        settings.remove("CXONE_BASE_URL");
        let hosts = tenant.hosts();
        for (name, value) in [
            ("CXONE_PROFILE", "cxone"),
            ("CXONE_ISSUER", hosts.issuer.as_str()),
            ("CXONE_DIGITAL_URL", hosts.digital.as_str()),
        ] {
            settings.insert(name.to_owned(), value.to_owned());
        }
        let config = store::aws::load_config(Some(&aws.endpoint_url)).await;
        Self {
            state: DynamoState::new(&config, settings["STATE_TABLE"].as_str()),
            lease: Key::new(format!("feed#{}/#", hosts.issuer), "lease"),
            folder: tempfile::tempdir().expect("a folder"),
            settings,
            database,
        }
    }

    /// Returns the command at a pace of so many requests a second to each part of the tenant.
    fn embed(&self, requests_per_second: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cxone-insights"));
        command
            .args(["embed", "--from-cxone", "--aws", "--data-dir"])
            .arg(self.folder.path())
            .env_remove("CXONE_BASE_URL")
            .envs(&self.settings)
            .env("CXONE_ANALYTICS_REQUESTS_PER_SECOND", requests_per_second)
            .env("CXONE_ACD_REQUESTS_PER_SECOND", requests_per_second)
            .env("CXONE_DIGITAL_REQUESTS_PER_SECOND", requests_per_second);
        command
    }

    /// Runs the command to its end, and returns what it said.
    fn embed_all(&self) -> String {
        let output = self.embed("100").output().expect("the command runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// Starts the command at a slow pace.
    fn start_slowly(&self) -> Child {
        let mut command = self.embed("5");
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the command runs")
    }

    /// Returns the rows of the vector table by conversation and place; none where there is no table yet.
    async fn rows(&self) -> BTreeMap<(String, i32), Row> {
        let (client, connection) =
            tokio_postgres::connect(&self.database.url, tokio_postgres::NoTls)
                .await
                .expect("a connection");
        let connection = tokio::spawn(connection);
        let table = client
            .query_one("SELECT to_regclass('conversation_embeddings')::text", &[])
            .await
            .expect("an answer");
        let mut found = BTreeMap::new();
        if table.get::<_, Option<String>>(0).is_some() {
            let query = "SELECT conversation_id, chunk_index, text_content, xmin::text FROM conversation_embeddings";
            for row in client.query(query, &[]).await.expect("the rows") {
                found.insert((row.get(0), row.get(1)), (row.get(2), row.get(3)));
            }
        }
        drop(client);
        connection.await.expect("a task").expect("a connection");
        found
    }

    /// Waits until more than so many conversations are stored, and returns how many there are.
    async fn wait_for_more_than(&self, conversations: usize) -> usize {
        let waiting = async {
            loop {
                let stored = conversations_of(&self.rows().await);
                if stored > conversations {
                    return stored;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let stored = tokio::time::timeout(LIMIT, waiting).await;
        stored.expect("conversations are stored")
    }

    /// Lets the lease of a run that was killed end in some seconds, and not in a minute.
    async fn shorten_lease(&self) {
        let now = Timestamp::now();
        let deleted = self.state.delete(&self.lease, Expect::Any, now).await;
        deleted.expect("the lease is removed");
        let duration = SignedDuration::from_secs(4);
        let lease = Lease::acquire(
            &self.state,
            self.lease.clone(),
            "a run that was killed",
            duration,
            now,
        );
        assert!(lease.await.expect("the state store").is_some());
    }
}

fn conversations_of(rows: &BTreeMap<(String, i32), Row>) -> usize {
    let ids: std::collections::BTreeSet<_> = rows.keys().map(|(id, _)| id).collect();
    ids.len()
}

/// Returns the rows without the transactions that wrote them.
fn texts(rows: BTreeMap<(String, i32), Row>) -> BTreeMap<(String, i32), String> {
    let texts = rows.into_iter().map(|(place, (text, _))| (place, text));
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_embedded_into_the_deployed_database_once_however_often_the_command_is_killed()
{
    let tenant = settled_tenant().await;
    let whole = Deployment::create(&tenant).await;
    let said = whole.embed_all();
    let rows = whole.rows().await;
    let stored = conversations_of(&rows);
    assert!(stored >= 6, "{said}");
    assert!(said.contains(&format!(" {stored} embedded")), "{said}");

    // A second run finds nothing new, and writes no row.
    let said = whole.embed_all();
    assert!(said.contains(" 0 embedded"), "{said}");
    assert_eq!(whole.rows().await, rows);

    let killed = Deployment::create(&tenant).await;
    let mut before = 0;
    for _ in 0..2 {
        let mut child = killed.start_slowly();
        before = killed.wait_for_more_than(before).await;
        child.kill().expect("the command is killed");
        child.wait().expect("the command has ended");
        killed.shorten_lease().await;
    }
    assert!(before < stored, "nothing is left to the last run");
    // The lease of the killed run has not ended yet: the command waits for it.
    let said = killed.embed_all();
    assert!(said.contains("waiting for its end"), "{said}");
    assert_eq!(texts(killed.rows().await), texts(rows));
}
