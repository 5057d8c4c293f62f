//! Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Stands in front of keys that are written in base64.
const PREFIX: &str = "whsec_";

/// A secret that does not say what the key is.
#[derive(Debug, thiserror::Error)]
#[error("what follows `whsec_` is no base64")]
pub struct BadSecret;

/// What requests are signed with.
pub(super) struct SigningKey(Vec<u8>);

impl SigningKey {
    pub(super) fn parse(secret: &str) -> Result<Self, BadSecret> {
        match secret.strip_prefix(PREFIX) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).map(Self).map_err(|_| BadSecret),
            None => Ok(Self(secret.as_bytes().to_vec())),
        }
    }

    /// The header `webhook-signature`; `at` is in seconds since 1970.
    pub(super) fn sign(&self, id: &str, at: &str, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks_has_its_signature() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_is_base64_or_text() {
        assert!(SigningKey::parse("whsec_%").is_err());
        assert_eq!(SigningKey::parse("whsec_YQ==").unwrap().0, SigningKey::parse("a").unwrap().0);
    }
}
