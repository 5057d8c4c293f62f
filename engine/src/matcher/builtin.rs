//! The matchers that come with eventlatch, built by `build.rs` and embedded.

/// The bytes of the built-in matchers.
pub const BUILTINS: [&[u8]; 4] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/etl_finish.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/job_finish.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/fields.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/airflow_events.wasm")),
];
