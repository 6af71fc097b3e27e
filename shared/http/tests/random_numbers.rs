//! Proves where the TLS library takes its first random numbers from.

use insights_http::client::{IdleConnections, build_client};

/// AWS-LC can gather entropy from the jitter of the processor's clock. Each process then waits for that before its first
/// connection: 40 to 120 ms where this was measured, and up to a second on a small function. The operating system's random
/// numbers take a tenth of a millisecond; `AWS_LC_SYS_NO_JITTER_ENTROPY` in `.cargo/config.toml` chooses them.
#[test]
fn no_start_waits_until_the_clock_has_jittered_enough() {
    // Whatever the client needs of TLS becomes part of this program.
    build_client(IdleConnections::Close).expect("a client");
    let program = std::env::current_exe().expect("the path of this program");
    let program = std::fs::read(program).expect("the content of this program");
    // The names are put together here, since they would otherwise be found as texts of this test.
    let has_symbol = |words: [&str; 2]| {
        let name = words.join("_");
        program
            .split(|byte| *byte == 0)
            .any(|symbol| symbol.ends_with(name.as_bytes()))
    };
    assert!(
        has_symbol(["RAND", "bytes"]),
        "this program has no symbols, or another TLS library"
    );
    assert!(!has_symbol(["jent_entropy", "collector_alloc"]));
}
