# Short commands for daily work; `just` without arguments lists them. CI runs `.ci/run`, which needs no `just`.

_default:
    @just --list

# Play the demo
demo:
    cargo run

# Every test
test *ARGS:
    cargo test --workspace {{ARGS}}

# The source, template and settings lints alone (seconds)
lints:
    cargo test -p lints

# Formatting, clippy and documentation, as CI checks them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Many simulated schedules from seeds (minutes)
simulate SCHEDULES="20000":
    cargo run --profile simulation -p simulation -- --schedules {{SCHEDULES}}

# Every function for a long time against a failing contact center; shows whether anything grows
soak MINUTES="30":
    cargo build --release -p cxone-insights
    cargo run --release -p soak -- --minutes {{MINUTES}}

# Rewrite docs/settings.md from the declarations in the code
settings:
    UPDATE_DOCS=1 cargo test -p e2e --test settings

# Template and CDK checks
infra:
    infra/check

# Everything that a change must pass
ci:
    .ci/run

# Unused dependencies, licenses and advisories (installs nothing: cargo install cargo-machete cargo-deny)
dependencies:
    cargo machete
    cargo deny check
