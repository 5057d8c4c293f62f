//! The commands as a person meets them: what they print, to the letter, and what they end with.

/// Results without what differs from build to build.
macro_rules! assert_result {
    ($ran:expr, $($expected:tt)*) => {
        insta::with_settings!({filters => vec![
            (r"\b[0-9a-f]{64}\b", "[SHA256]"),
            (r"\b[0-9a-f]{12}\b", "[SHA256]"),
            (r"\d+ KiB|\d+\.\d MiB", "[SIZE]"),
            (r"\d+\.\d s\b", "[TIME]"),
            (r"\d{4}-\d\d-\d\d", "[DATE]"),
            (r"127\.0\.0\.1:\d{2,}", "[BROKER]"),
        ]}, {
            insta::assert_snapshot!($ran, $($expected)*);
        });
    };
}

mod author;
mod looking;
mod refused;

use eventlatch_tests::home::Home;

/// A sensor that waits for one table, with a line to be pointed at.
const SENSOR: &str = r#"wanted = [
  { frequency = "D", topic = "etl-finish", db = "db0", table = "table0", partition_values = "", task_id = "tbla" },
]
"#;

/// A good service, whose log is off: what it prints is the result.
fn home(config: &str) -> Home {
    let home = Home::new(config).with("EVENTLATCH_TELEMETRY_LOG", "off");
    home.write("sensors/one.toml", SENSOR);
    home
}
