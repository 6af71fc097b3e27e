//! Starts the servers, creates the resources that `events/local.env` names, and keeps the servers running until Ctrl-C. The
//! argument is the port of the AWS services, instead of the port in that file; 0 means a free port.

use anyhow::Context;

#[expect(
    clippy::print_stdout,
    reason = "the addresses are what this program is for"
)]
fn main() -> anyhow::Result<()> {
    let settings = dev_stack::local_environment();
    let named = settings
        .get("AWS_ENDPOINT_URL")
        .context("events/local.env has no AWS_ENDPOINT_URL")?;
    let port = std::env::args()
        .nth(1)
        .unwrap_or_else(|| named.rsplit(':').next().unwrap_or_default().to_owned());
    let port: u16 = port
        .parse()
        .with_context(|| format!("not a port: {port:?}"))?;
    let aws = dev_stack::aws_at(port);
    println!("TEST_AWS_ENDPOINT_URL={}", aws.endpoint_url);
    let database = dev_stack::postgres_url();
    println!("TEST_DATABASE_URL={database}");
    dev_stack::create_resources(&dev_stack::environment_on(&aws), &database)?;
    println!("ready: the resources of events/local.env exist; press Ctrl-C to stop");
    loop {
        // The servers end with this process, whatever ends it.
        std::thread::park();
    }
}
