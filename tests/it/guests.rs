//! The guests that `build.rs` built.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
