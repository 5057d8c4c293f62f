//! The service as a whole: the real binary, a real broker, a real database.

mod another_store;
mod catching_up;
mod dead_letter_topic;
mod deadlines;
mod example;
mod failing;
mod lines;
mod logs;
mod malformed;
mod matchers;
mod metrics;
mod outbox;
mod published;
mod readiness;
mod redefining;
mod redriving;
mod reload_sensors;
mod reloading;
mod renamed;
mod served_by_pattern;
mod spans;
mod stopping;
mod store_faults;
mod store_file;
mod taking_over;
mod webhook;

/// `task|state` of the local adapter.
const TASKS: &str = "SELECT task_id, state FROM tasks ORDER BY task_id";

/// A line for a source without Kafka, and a value for one with.
fn table_written(table: &str) -> serde_json::Value {
    let now = jiff::Timestamp::now().as_second();
    serde_json::json!({"db": "db0", "table": table, "partition_values": "", "timestamp": now})
}

/// JSON lines that say that tables were written.
fn lines(tables: &[&str]) -> String {
    let line = |table: &&str| serde_json::json!({"topic": "etl-finish", "value": table_written(table)}).to_string();
    tables.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// A sensor file that waits for tables, each for the task of the same name.
fn sensor(tables: &[&str]) -> String {
    let wanted = |table: &&str| {
        serde_json::json!({
            "frequency": "D", "topic": "etl-finish", "db": "db0", "table": table, "partition_values": "",
            "task_id": table,
        })
    };
    serde_json::json!({"wanted": tables.iter().map(wanted).collect::<Vec<_>>()}).to_string()
}
