//! The matchers that come with eventlatch, built by `build.rs` and embedded.

/// The bytes of the built-in matchers.
pub const BUILTINS: [&[u8]; 4] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/etl_finish.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/job_finish.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/fields.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/airflow_events.wasm")),
];

/// Of each of them, in lower-case hexadecimal.
pub(super) const BUILTIN_SHA256: [&str; 4] = [
    include_str!(concat!(env!("OUT_DIR"), "/etl_finish.wasm.sha256")),
    include_str!(concat!(env!("OUT_DIR"), "/job_finish.wasm.sha256")),
    include_str!(concat!(env!("OUT_DIR"), "/fields.wasm.sha256")),
    include_str!(concat!(env!("OUT_DIR"), "/airflow_events.wasm.sha256")),
];
