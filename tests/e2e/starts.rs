//! What a start of each function may cost.

use e2e::starts::ColdStarts;
use testkit::FUNCTIONS;

/// Processor seconds that a start may take, first answer included, in the profile of the tests. That is several times what was
/// measured, since processors differ; the functions with a model load it.
fn budget(function: &str) -> f64 {
    match function {
        "data-action" | "embedding-writer" | "semantic-search" => 3.0,
        _ => 1.5,
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
