//! Reads the URL of a database. The connection is encrypted and verified wherever the database is not on this machine.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Cause, Error};

/// How long a connection may take unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what was sent may stay without an acknowledgment before the connection counts as dead.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(5);

/// Parses the URL of a database, e.g. `postgres://user:password@host:5432/name?sslmode=verify-full&sslrootcert=/opt/ca.pem`.
///
/// Encrypted connections always verify the server's certificate and name, against the file `sslrootcert` or else the
/// root certificates of the machine, so that `require`, `verify-ca` and `verify-full` mean the same here. Without an
/// `sslmode`, a database on this machine is reached in clear text and any other is `require`d to encrypt.
///
/// # Errors
/// [`Error::Missing`] if the text is not the URL of a database or the certificates cannot be read. The URL, which holds a
/// password, is not in the message.
pub(super) fn parse_url(url: &str) -> Result<(Config, MakeRustlsConnect), Error> {
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for parameter in parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty())
    {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(parse_ssl_mode(value)?),
            Some(("sslrootcert", path)) => roots = Some(path.to_owned()),
            _ => others.push(parameter),
        }
    }
    let rest = if others.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", others.join("&"))
    };
    // The message of the parser may hold a part of the URL, so that it is not kept as the cause.
    let mut config = Config::from_str(&rest)
        .map_err(|_| invalid("it cannot be read as postgres://user:password@host/name"))?;
    if config.get_hosts().is_empty() {
        return Err(invalid("it has no host"));
    }
    config.ssl_mode(mode.unwrap_or(if config.get_hosts().iter().all(is_local) {
        SslMode::Disable
    } else {
        SslMode::Require
    }));
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("cxone-insights");
    }
    config.keepalives_idle(Duration::from_secs(60));
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT);
    }
    let connect = MakeRustlsConnect::new(tls_config(&config, roots.as_deref())?);
    Ok((config, connect))
}

fn parse_ssl_mode(value: &str) -> Result<SslMode, Error> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "allow" | "prefer" => Ok(SslMode::Prefer),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err(invalid(
            "sslmode must be disable, prefer, require, verify-ca or verify-full",
        )),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn tls_config(config: &Config, roots: Option<&str>) -> Result<ClientConfig, Error> {
    let mut store = RootCertStore::empty();
    if let Some(path) = roots {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| {
                invalid_with(
                    &format!("the certificates of sslrootcert {path} cannot be read"),
                    error,
                )
            })?;
        store.add_parsable_certificates(certificates);
    } else if config.get_ssl_mode() != SslMode::Disable {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid_with("TLS cannot be set up", error))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

fn invalid(reason: &str) -> Error {
    Error::missing(subject(reason))
}

fn invalid_with(reason: &str, cause: impl Into<Cause>) -> Error {
    Error::missing_with(subject(reason), cause)
}

/// Returns the subject of the message of [`Error::Missing`].
fn subject(reason: &str) -> String {
    format!("the database of the secret database_url ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse_url(url).unwrap().0.get_ssl_mode()
    }

    #[test]
    fn a_database_elsewhere_must_encrypt_and_one_here_need_not() {
        assert_eq!(mode("postgres://u:p@db.example.com/x"), SslMode::Require);
        assert_eq!(mode("postgres://u:p@127.0.0.1:5433/x"), SslMode::Disable);
        assert_eq!(
            mode("postgres://u:p@localhost/x?application_name=a"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://u:p@localhost/x?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://u:p@db.example.com/x?sslmode=disable"),
            SslMode::Disable
        );
    }

    #[test]
    fn a_bad_url_is_refused_without_being_shown() {
        for url in [
            "canary",
            "mysql://canary@h/x",
            "postgres:///canary",
            "postgres://u:canary@h/x?sslmode=sometimes",
            "postgres://u:canary@h:port/x",
            "postgres://u:canary@h/x?sslrootcert=/nowhere.pem",
        ] {
            let error = parse_url(url).map(|_| ()).unwrap_err().to_string();
            assert!(
                error.contains("database_url") && !error.contains("canary"),
                "{url}: {error}"
            );
        }
    }
}
