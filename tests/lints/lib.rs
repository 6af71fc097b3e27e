//! An empty library: this package exists for its test binary, `lints`.
