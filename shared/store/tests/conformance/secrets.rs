//! The secret store, and the cache above it.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use store::Error;
use store::secrets::{CachedSecrets, SecretFile, SecretStore, Secrets, SecretsManager};

use crate::proxy::{Fault, Proxy};

/// A new secret with this text; its name.
async fn stored(text: &str) -> String {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let name = dev_stack::unique("secret");
    let client = aws_sdk_secretsmanager::Client::new(&config);
    client
        .create_secret()
        .name(&name)
        .secret_string(text)
        .send()
        .await
        .expect("a secret");
    name
}

async fn manager(endpoint: &str, id: &str) -> SecretsManager {
    SecretsManager::new(&store::aws::load_config(Some(endpoint)).await, id)
}

fn file(folder: &tempfile::TempDir, text: &str) -> SecretFile {
    let path = folder.path().join("secrets.toml");
    std::fs::write(&path, text).expect("a file");
    set_mode(&path, 0o600);
    SecretFile::new(path, Secrets::default())
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
}

fn value(secrets: &Secrets, name: &str) -> Option<String> {
    secrets
        .get(name)
        .map(|value| value.expose_secret().to_owned())
}

async fn named_values_are_read(store: impl SecretStore) {
    let secrets = store.fetch().await.expect("the secrets");
    assert_eq!(value(&secrets, "client_id").as_deref(), Some("id"));
    assert_eq!(
        value(&secrets, "client_secret").as_deref(),
        Some("hush \"ż\" 😀")
    );
    assert_eq!(value(&secrets, "api_key"), None, "an empty value is none");
    assert_eq!(value(&secrets, "webhook_secret"), None);
    let shown = format!("{secrets:?}");
    assert!(
        shown.contains("client_secret") && !shown.contains("hush"),
        "{shown}"
    );
}

#[tokio::test]
async fn named_values_are_read_from_secrets_manager() {
    let id =
        stored(r#"{"client_id":"id","client_secret":"hush \"ż\" 😀","api_key":"","more":"x"}"#)
            .await;
    named_values_are_read(manager(&dev_stack::aws().endpoint_url, &id).await).await;
}

#[tokio::test]
async fn named_values_are_read_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "client_id = \"id\"\nclient_secret = 'hush \"ż\" 😀'\napi_key = \"\"\nmore = \"x\"\n";
    named_values_are_read(file(&folder, text)).await;
}

/// Returns all that an error shows: its debug output, its message and the messages of its causes.
fn message_and_causes(error: &Error) -> String {
    let mut text = format!("{error:?}");
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        text += &format!(" | {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_malformed_secret_is_refused_by_name_and_never_shown() {
    for (text, named) in [
        (r#"{"client_id": "hush", "api_key": 4242}"#, "api_key"),
        (r#"{"client_id": "hush4242" x"#, "line 1"),
        (r#"["hush", "4242"]"#, "object"),
    ] {
        let id = stored(text).await;
        let store = manager(&dev_stack::aws().endpoint_url, &id).await;
        let error = store.fetch().await.expect_err("malformed");
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        let message = message_and_causes(&error);
        assert!(
            message.contains(named) && message.contains(&id),
            "{message}"
        );
        assert!(
            !message.contains("hush") && !message.contains("4242"),
            "{message}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (text, named) in [
        ("client_id = \"hush\"\napi_key = 4242", "api_key"),
        ("client_id = \"x\"\napi_key = hush4242", "line 2"),
        ("client_id = \"hush\"\nclient_id = \"4242\"", "line 2"),
    ] {
        let error = file(&folder, text).fetch().await.expect_err("malformed");
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        let message = message_and_causes(&error);
        assert!(
            message.contains(named) && message.contains("secrets.toml"),
            "{message}"
        );
        assert!(
            !message.contains("hush") && !message.contains("4242"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let store = manager(&dev_stack::aws().endpoint_url, "no-such-secret").await;
    let error = store.fetch().await.expect_err("no secret");
    assert!(
        matches!(&error, Error::Missing { what, .. } if what.contains("no-such-secret")),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_the_file_the_given_values_are_used_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets.toml");
    let given = Secrets::from_iter([("api_key".to_owned(), SecretString::from("local-key"))]);
    let secrets = SecretFile::new(&path, given)
        .fetch()
        .await
        .expect("the given values");
    assert_eq!(value(&secrets, "api_key").as_deref(), Some("local-key"));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = file(&folder, "api_key = \"hush\"");
    set_mode(&folder.path().join("secrets.toml"), 0o640);
    let error = store.fetch().await.expect_err("too open");
    assert!(
        error.to_string().contains("chmod 600") && !error.to_string().contains("hush"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_make_one_read() {
    let proxy = Proxy::start().await;
    let id = stored(r#"{"api_key":"k"}"#).await;
    let cached = std::sync::Arc::new(CachedSecrets::new(manager(&proxy.url, &id).await));
    let callers = (0..100).map(|_| {
        let cached = std::sync::Arc::clone(&cached);
        tokio::spawn(async move { value(&cached.get().await.expect("the secrets"), "api_key") })
    });
    for got in join_all(callers).await {
        assert_eq!(got.expect("no panic").as_deref(), Some("k"));
    }
    assert_eq!(proxy.seen("GetSecretValue"), 1);
}

#[tokio::test]
async fn a_first_read_that_fails_is_made_again_by_the_next_caller() {
    let proxy = Proxy::start().await;
    let id = stored(r#"{"api_key":"k"}"#).await;
    let cached = CachedSecrets::new(manager(&proxy.url, &id).await);
    proxy.inject(
        "GetSecretValue",
        &[Fault::Refused(500, "InternalServiceError"); 3],
    );
    assert!(
        cached
            .get()
            .await
            .expect_err("nothing to give yet")
            .is_retryable()
    );
    assert!(proxy.is_exhausted());
    assert_eq!(
        value(&cached.get().await.expect("the secrets"), "api_key").as_deref(),
        Some("k")
    );
}

#[tokio::test]
async fn the_previous_version_is_read_for_callers_and_for_nobody_else() {
    let endpoint = dev_stack::aws().endpoint_url.clone();
    let id = stored(r#"{"api_key":"first"}"#).await;
    let hour = Duration::from_secs(3600);
    let now = Timestamp::now();
    let read = async |lasting| {
        let store = manager(&endpoint, &id).await.with_previous(lasting);
        store.fetch().await.expect("the secrets")
    };
    assert!(
        read(hour).await.previous(now).is_none(),
        "no version before"
    );
    let config = store::aws::load_config(Some(&endpoint)).await;
    aws_sdk_secretsmanager::Client::new(&config)
        .put_secret_value()
        .secret_id(&id)
        .secret_string(r#"{"api_key":"second"}"#)
        .send()
        .await
        .expect("a new version");
    let secrets = read(hour).await;
    assert_eq!(value(&secrets, "api_key").as_deref(), Some("second"));
    let previous = secrets.previous(now).expect("the version before");
    assert_eq!(value(previous, "api_key").as_deref(), Some("first"));
    let later = now + Duration::from_secs(3700);
    assert!(secrets.previous(later).is_none(), "for an hour only");
    assert!(read(Duration::ZERO).await.previous(now).is_none());
}

#[tokio::test]
async fn lists_of_keys_are_read_as_their_json() {
    let endpoint = dev_stack::aws().endpoint_url.clone();
    let id = stored(r#"{"api_keys":[{"name":"studio","scopes":["score"]}]}"#).await;
    let stored = manager(&endpoint, &id).await.fetch().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[[api_keys]]\nname = \"studio\"\nscopes = [\"score\"]\n";
    let filed = file(&folder, text).fetch().await;
    for secrets in [stored, filed] {
        let list = value(&secrets.expect("the secrets"), "api_keys").expect("a list");
        assert_eq!(list, r#"[{"name":"studio","scopes":["score"]}]"#);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_known_after_the_period_or_a_failed_authentication() {
    let folder = tempfile::tempdir().expect("a folder");
    let cached = CachedSecrets::new(file(&folder, "api_key = \"one\""));
    let key = async || value(&cached.get().await.expect("the secrets"), "api_key");
    let refreshed = async || {
        let secrets = cached
            .refresh_after_auth_failure()
            .await
            .expect("the secrets");
        value(&secrets, "api_key")
    };
    assert_eq!(key().await.as_deref(), Some("one"));
    file(&folder, "api_key = \"two\"");
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(key().await.as_deref(), Some("one"));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(key().await.as_deref(), Some("two"));
    file(&folder, "api_key = \"three\"");
    // Read a moment ago: a stranger's wrong key does not make another read.
    assert_eq!(refreshed().await.as_deref(), Some("two"));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(refreshed().await.as_deref(), Some("three"));
    assert_eq!(key().await.as_deref(), Some("three"));
    // A file broken by an editor: the last values stay until it is whole again.
    file(&folder, "api_key =");
    tokio::time::advance(Duration::from_secs(301)).await;
    assert_eq!(key().await.as_deref(), Some("three"));
    file(&folder, "api_key = \"four\"");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(key().await.as_deref(), Some("four"));
}
