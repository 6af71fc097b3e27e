//! What a start of each function may cost.

use e2e::starts::ColdStarts;
use testkit::FUNCTIONS;

/// Processor seconds that a start may take, first answer included, in the profile of the tests. The bounds are wide, since processors
/// differ: they find a start that does needless work, such as gathering entropy for a second. The functions with a model load it.
fn budget(function: &str) -> f64 {
    match function {
        "data-action" | "embedding-writer" | "semantic-search" => 6.0,
        _ => 3.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_starts_within_its_budget_and_speaks_tls_to_aws() {
    let mut starts = ColdStarts::prepare().await;
    let mut signed = 0;
    for function in FUNCTIONS.map(|function| function.name) {
        let start = starts.measure(function).await;
        assert!(
            start.cpu_seconds < budget(function),
            "{function} took {start:?}"
        );
        if let (Some(connection), Some(request)) = (start.connection, start.signed_request) {
            assert!(
                connection <= request && request <= start.answer,
                "{start:?}"
            );
            signed += 1;
        }
    }
    assert!(signed > 0, "no function sent a signed request");
}
