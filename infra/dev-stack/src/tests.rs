//! The servers answer, and tests share them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use super::*;

fn address(url: &str) -> SocketAddr {
    let authority = url
        .split("://")
        .nth(1)
        .expect("a scheme")
        .split('/')
        .next()
        .expect("an authority");
    authority
        .rsplit('@')
        .next()
        .expect("a host")
        .parse()
        .expect("an address")
}

#[test]
fn the_aws_services_answer_and_are_shared() {
    let aws = aws();
    assert_eq!(aws, super::aws());
    let mut stream = TcpStream::connect(address(&aws.endpoint_url)).expect("a connection");
    stream
        .write_all(b"GET /moto-api/ HTTP/1.0\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.") && answer.contains(" 200 "),
        "{answer}"
    );
}

#[test]
fn each_test_gets_an_empty_database_with_vectors() {
    let (one, other) = (create_database(), create_database());
    assert_ne!(one.url, other.url);
    let psql = postgres::psql();
    let query = |url: &str, statement: &str| {
        let mut command = Command::new(&psql);
        command.args([
            "--no-psqlrc",
            "-At",
            "--set",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            url,
        ]);
        String::from_utf8(python::run(&mut command).expect("an answer").stdout).expect("text")
    };
    query(
        &one.url,
        "CREATE EXTENSION vector; CREATE TABLE t (v vector(3))",
    );
    assert_eq!(
        query(&one.url, "SELECT '[1,2,3]'::vector <-> '[1,2,5]'").trim(),
        "2"
    );
    assert_eq!(
        query(
            &other.url,
            "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
        )
        .trim(),
        "0"
    );
}

#[test]
fn cargo_lambda_is_installed() {
    let output =
        python::run(Command::new(cargo_lambda()).args(["lambda", "--version"])).expect("a version");
    assert!(String::from_utf8_lossy(&output.stdout).contains("cargo-lambda"));
}
