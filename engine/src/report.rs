//! What people are told: explanations as pages of text and HTML, and reports to the channels of the configuration.
//!
//! Knows nothing of store and pipeline: it is handed a [`Report`] and answers what came of it. Who sends again, and when, is
//! decided above. Start at [`Channel`]; `view` says what is shown, `text` and `html` how.

mod config;
pub mod email;
mod html;
mod text;
mod view;
pub mod webhook;

pub use config::{Config, ConfigError};
pub use html::html;
pub use text::{message, page, text};

use crate::domain::report::Report;

/// A way to tell people.
pub enum Channel {
    Email(email::Email),
    Webhook(webhook::Webhook),
}

/// Why a report did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not now; another attempt may succeed.
    #[error("cannot be sent now: {0}")]
    Retry(String),
    /// Never as it is.
    #[error("cannot be sent: {0}")]
    Reject(String),
}

impl Channel {
    /// Its name in the store.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }

    /// One line for people: where it goes.
    pub fn summary(&self) -> String {
        match self {
            Self::Email(email) => email.summary(),
            Self::Webhook(webhook) => webhook.summary(),
        }
    }

    /// Sends a report. Blocks.
    pub fn send(&self, report: &Report) -> Result<(), SendError> {
        match self {
            Self::Email(email) => email.send(report),
            Self::Webhook(webhook) => webhook.send(report),
        }
    }
}
