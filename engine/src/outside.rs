//! What the rooms share that talk to systems of others: secrets by reference, and one HTTP client with one notion of what an
//! answer means.
//!
//! Knows nothing of what is told, or to whom. Start at [`Client`].

mod client;
mod secret;

pub use client::{Client, Reply, Unreached, Verdict, chain, is_http};
pub use secret::{SecretError, SecretReference};
