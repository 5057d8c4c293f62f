//! Logs of the code under test, shown with a test that fails. `RUST_LOG` chooses what is logged.

/// To be called at the beginning of a test; does nothing the second time.
pub(crate) fn on() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let _already = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
