//! Lines for the service's log.
//!
//! They appear under the matcher's name. The volume is limited by the service; what is over is dropped. Log what an
//! operator can act on, not every message: a message that is malformed is better told as a [`Reject`](crate::Reject),
//! which is kept with its reason.
//!
//! In native builds, such as tests, these functions do nothing.
//!
//! ```
//! eventlatch_sdk::log::warn("no shop is configured, every message will be ignored");
//! ```

/// Writes a line that only someone who debugs a matcher wants to see.
pub fn debug(text: &str) {
    write(Level::Debug, text);
}

/// Writes a line that tells what happens in the normal course of things.
pub fn info(text: &str) {
    write(Level::Info, text);
}

/// Writes a line about something that may be wrong.
pub fn warn(text: &str) {
    write(Level::Warn, text);
}

/// Writes a line about something that is wrong.
pub fn error(text: &str) {
    write(Level::Error, text);
}

/// How grave a line is.
#[derive(Clone, Copy)]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, text: &str) {
    use crate::bindings::eventlatch::matcher::host;

    let level = match level {
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::log(level, text);
}

#[cfg(not(target_arch = "wasm32"))]
fn write(_level: Level, _text: &str) {}
