//! Starts the servers for work by hand, prints where they are and keeps them until standard input ends or Ctrl-C.

use std::io::Read;

#[expect(
    clippy::print_stdout,
    reason = "the addresses are what this program is for"
)]
fn main() -> std::io::Result<()> {
    println!("TEST_AWS_ENDPOINT_URL={}", test_stack::aws().endpoint_url);
    println!("TEST_DATABASE_URL={}", test_stack::postgres());
    std::io::stdin().read_to_string(&mut String::new())?;
    Ok(())
}
