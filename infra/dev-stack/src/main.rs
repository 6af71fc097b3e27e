//! Starts the servers for work by hand, makes what `events/local.env` names, and keeps them until Ctrl-C. An argument is
//! the port of the AWS services, instead of that file's; 0 takes a free one.

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
    let database = dev_stack::postgres();
    println!("TEST_DATABASE_URL={database}");
    dev_stack::make_resources(&dev_stack::environment_on(&aws), &database)?;
    println!("ready: what events/local.env names is there; Ctrl-C ends it");
    loop {
        // The servers end with this process, by whatever ends it.
        std::thread::park();
    }
}
