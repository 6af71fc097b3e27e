//! The servers end with the process that started them, even if it is killed.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn servers_end_when_the_process_that_started_them_is_killed() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_dev-stack"))
        .arg("0")
        .env_remove("TEST_AWS_ENDPOINT_URL")
        .env_remove("TEST_DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let output = BufReader::new(program.stdout.take().expect("its output"));
    let addresses: Vec<String> = output
        .lines()
        .take(2)
        .map(|line| {
            let line = line.expect("a line");
            let authority = line
                .split("://")
                .nth(1)
                .expect("a URL")
                .split('/')
                .next()
                .expect("an authority");
            authority.rsplit('@').next().expect("an address").to_owned()
        })
        .collect();
    assert_eq!(addresses.len(), 2);
    for address in &addresses {
        TcpStream::connect(address).expect("a server");
    }
    program.kill().expect("killed");
    program.wait().expect("dead");
    let end = Instant::now() + Duration::from_secs(20);
    for address in addresses {
        while TcpStream::connect(&address).is_ok() {
            assert!(Instant::now() < end, "{address} still answers");
            std::thread::yield_now();
        }
    }
}
