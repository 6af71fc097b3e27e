//! The two clouds of NICE under their real names: a FedRAMP tenant is reached at its own hosts, and who asks the wrong cloud reads which
//! issuer to set.

use std::path::Path;

use cxone_simulator::fault::{Fault, FaultRule, RetryAfter};
use cxone_simulator::tenant::{TenantHandle, TenantSettings};
use serde_json::json;

use crate::nice_cloud::NiceCloud;
use crate::{ENDING, assert_tells, command, examine, failure_of, line_of, start_tenant};

const COMMERCIAL: &str = "https://cxone.niceincontact.com";
const FEDRAMP: &str = "https://cxone-gov.niceincontact.com";

const DISCOVERY: &str = "/.well-known/cxone-configuration";

/// Writes the access key that simulated tenants have by default, which names a tenant.
fn write_demo_key(folder: &Path) {
    let settings = TenantSettings::default();
    let (id, secret) = (settings.access_key_id, settings.access_key_secret);
    let secrets = format!("access_key_id = {id:?}\naccess_key_secret = {secret:?}\n");
    std::fs::write(folder.join("secrets.toml"), secrets).expect("a file");
}

/// A tenant in the FedRAMP cloud, a tenant of somebody else in the commercial one, and the hosts of both.
struct Clouds {
    fedramp: TenantHandle,
    commercial: TenantHandle,
    hosts: NiceCloud,
    folder: tempfile::TempDir,
}

impl Clouds {
    async fn start(area_of_fedramp: &str) -> Self {
        let fedramp = start_tenant(TenantSettings {
            area: area_of_fedramp.to_owned(),
            cluster: "C72".to_owned(),
            ..TenantSettings::default()
        })
        .await;
        let commercial = start_tenant(TenantSettings {
            access_key_id: "SOMEBODYELSE77777777====".to_owned(),
            ..TenantSettings::default()
        })
        .await;
        let (gov, other) = (fedramp.hosts(), commercial.hosts());
        let hosts = [
            ("cxone-gov.niceincontact.com", gov.issuer),
            ("api-na2.niceincontact.com", gov.api),
            ("api-de-na2.nicecxone-gov.com", gov.digital),
            ("cxone.niceincontact.com", other.issuer),
        ];
        let hosts = NiceCloud::start(&hosts).await;
        let folder = tempfile::tempdir().expect("a folder");
        write_demo_key(folder.path());
        Self {
            fedramp,
            commercial,
            hosts,
            folder,
        }
    }

    /// Lets the discovery of the FedRAMP cloud answer what is public of it.
    fn name_hosts(&self) {
        let answer = json!({"private": false, "area": "na2", "cluster": "C72", "domain": "niceincontact.com",
            "auth_endpoint": "https://na2.niceincontact.com", "ui_endpoint": "https://na2.niceincontact.com",
            "api_endpoint": "https://api-na2.niceincontact.com"});
        let fault = Fault::Answer(200, answer);
        self.fedramp.fault(FaultRule::new(DISCOVERY, fault));
    }

    /// Returns a command with an issuer, which is not set where it is the default.
    fn command(&self, name: &str, issuer: &str) -> std::process::Command {
        let mut command = command(self.folder.path(), name);
        command.envs(self.hosts.environment());
        command.env_remove("CXONE_DIGITAL_URL");
        if issuer != COMMERCIAL {
            command.env("CXONE_ISSUER", issuer);
        }
        command
    }

    /// Checks what `doctor` says in a line, and that the commands that need a tenant fail with the same advice.
    fn assert_refused(&self, issuer: &str, check: &str, wanted: &[&str]) {
        let (is_success, lines) = examine(self.command("doctor", issuer));
        assert!(!is_success, "{lines:#?}");
        assert_tells(line_of(&lines, check), wanted);
        for name in ENDING {
            assert_tells(&failure_of(self.command(name, issuer)), wanted);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fedramp_tenant_is_read_at_the_hosts_of_its_cloud() {
    let clouds = Clouds::start("na2").await;
    clouds.name_hosts();
    let (is_success, lines) = examine(clouds.command("doctor", FEDRAMP));
    assert!(is_success, "{lines:#?}");
    let hosts = line_of(&lines, "hosts");
    let wanted = "API api-na2.niceincontact.com, digital api-de-na2.nicecxone-gov.com, event hub eventhub-de-na2.nicecxone-gov.com";
    assert!(hosts.starts_with("OK") && hosts.contains(wanted), "{hosts}");
    for check in [
        "analyzed segments",
        "digital contacts",
        "contacts that ended",
    ] {
        assert!(line_of(&lines, check).starts_with("OK"), "{lines:#?}");
    }
    let output = clouds
        .command("embed", FEDRAMP)
        .output()
        .expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains(" 0 embedded"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fedramp_tenant_is_found_where_the_discovery_is_away() {
    let clouds = Clouds::start("na2").await;
    let away = Fault::Status(503, RetryAfter::Absent);
    clouds.fedramp.fault(FaultRule::new(DISCOVERY, away));
    let (is_success, lines) = examine(clouds.command("doctor", FEDRAMP));
    assert!(is_success, "{lines:#?}");
    let wanted = [
        "the discovery is away",
        "try again later, or name the tenant's API in CXONE_BASE_URL",
    ];
    assert_tells(line_of(&lines, "hosts"), &wanted);
    for check in ["analyzed segments", "digital contacts"] {
        assert!(line_of(&lines, check).starts_with("OK"), "{lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_the_wrong_cloud_reads_which_issuer_to_set() {
    let clouds = Clouds::start("na2").await;
    let wanted = [
        "refused the access key",
        "if the tenant is in the FedRAMP cloud, set CXONE_ISSUER to https://cxone-gov.niceincontact.com",
    ];
    clouds.assert_refused(COMMERCIAL, "token", &wanted);

    // An application that was registered for the other cloud.
    let unknown = Fault::Answer(401, json!({"error": "invalid_client"}));
    clouds
        .commercial
        .fault(FaultRule::new("/auth/token", unknown.clone()));
    let wanted = ["refused the application", wanted[1]];
    clouds.assert_refused(COMMERCIAL, "token", &wanted);

    let wanted = [
        "refused the application",
        "if the tenant is in the commercial cloud, set CXONE_ISSUER to https://cxone.niceincontact.com",
    ];
    clouds.fedramp.fault(FaultRule::new("/auth/token", unknown));
    clouds.assert_refused(FEDRAMP, "token", &wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_other_cloud_is_not_used() {
    // The FedRAMP issuer gives a token whose claims name an area of the commercial cloud.
    let clouds = Clouds::start("eu1").await;
    let away = Fault::Status(503, RetryAfter::Absent);
    clouds.fedramp.fault(FaultRule::new(DISCOVERY, away));
    let wanted = [
        "the tenant is in the commercial cloud and CXONE_ISSUER is the FedRAMP one: set CXONE_ISSUER to https://cxone.niceincontact.com",
    ];
    clouds.assert_refused(FEDRAMP, "hosts", &wanted);
}
