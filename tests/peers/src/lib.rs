//! Benches against what others would use in eventlatch's place; see `benches/peers.rs`.
