//! A broker that lets nobody in who does not prove who they are: TLS, client certificates, passwords.
//!
//! One broker has a listener for each way. Its certificates come from a private authority, made with the `keytool` that
//! Java brings.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::broker::{Broker, Listener, Special};

/// Who may log in, and with what.
pub const USER: &str = "alice";
pub const PASSWORD: &str = "correct horse";

/// Of every key store.
pub const STORE_PASSWORD: &str = "changeit";

/// The ways in.
pub const TLS: &str = "TLS";
pub const CLIENT_CERTIFICATE: &str = "MUTUAL";
/// TLS with a password, by `PLAIN` or `SCRAM-SHA-256`.
pub const PASSWORDS: &str = "PASSWORDS";
/// TLS with a password, by `SCRAM-SHA-512` only.
pub const SCRAM: &str = "SCRAM";

/// Everything that a client may need, and the certificate of somebody else.
pub struct Guarded {
    broker: Broker,
}

impl Guarded {
    /// Starts one for the whole run.
    pub fn start() -> Self {
        let broker = Broker::for_the_run(|directory| {
            make_certificates(directory);
            special(directory)
        });
        Self { broker }
    }

    pub fn plain(&self) -> String {
        self.broker.address()
    }

    pub fn address_of(&self, listener: &str) -> String {
        self.broker.address_of(listener)
    }

    /// Whom clients have to trust.
    pub fn authority(&self) -> PathBuf {
        self.broker.directory().join("authority.pem")
    }

    /// A certificate that vouches for nothing here.
    pub fn stranger(&self) -> PathBuf {
        self.broker.directory().join("client.pem")
    }

    /// A client's key and certificate.
    pub fn client(&self) -> PathBuf {
        self.broker.directory().join("client.p12")
    }
}

fn special(directory: &Path) -> Special {
    let listener = |(name, protocol)| Listener { name, protocol };
    let listeners = [(TLS, "SSL"), (CLIENT_CERTIFICATE, "SSL"), (PASSWORDS, "SASL_SSL"), (SCRAM, "SASL_SSL")];
    let login = "org.apache.kafka.common.security";
    let scram = format!("{login}.scram.ScramLoginModule required;");
    Special {
        listeners: listeners.map(listener).to_vec(),
        properties: format!(
            "ssl.keystore.type=PKCS12
ssl.keystore.location={keys}
ssl.keystore.password={STORE_PASSWORD}
ssl.key.password={STORE_PASSWORD}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.mutual.ssl.client.auth=required
listener.name.passwords.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.passwords.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
listener.name.passwords.scram-sha-256.sasl.jaas.config={scram}
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config={scram}
",
            keys = directory.join("broker.p12").display(),
            authority = directory.join("authority.pem").display(),
        ),
        scram: [256, 512].map(|bits| format!("SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]")).to_vec(),
    }
}

/// An authority, and a broker and a client for whom it vouches.
fn make_certificates(directory: &Path) {
    let make = |alias: &str, more: &[&str]| {
        let name = format!("CN={alias}");
        let mut arguments = vec!["-genkeypair", "-alias", alias, "-dname", &name, "-keyalg", "EC", "-validity", "30"];
        arguments.extend(["-groupname", "secp256r1", "-keystore", "all.p12"]);
        arguments.extend(more);
        keytool(directory, &arguments);
    };
    make("authority", &["-ext", "bc:c"]);
    make("broker", &["-signer", "authority", "-ext", "san=ip:127.0.0.1,dns:localhost"]);
    make("client", &["-signer", "authority"]);
    for alias in ["authority", "client"] {
        let file = format!("{alias}.pem");
        keytool(directory, &["-exportcert", "-rfc", "-alias", alias, "-file", &file, "-keystore", "all.p12"]);
    }
    for alias in ["broker", "client"] {
        let store = format!("{alias}.p12");
        let from = ["-importkeystore", "-srckeystore", "all.p12", "-srcstorepass", STORE_PASSWORD, "-srcalias", alias];
        keytool(directory, &[&from[..], &["-destkeystore", &store]].concat());
    }
}

fn keytool(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("keytool");
    command.args(["-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto"]).args(arguments);
    command.arg(if arguments[0] == "-importkeystore" { "-deststorepass" } else { "-storepass" }).arg(STORE_PASSWORD);
    match command.current_dir(directory).output() {
        Ok(done) if done.status.success() => {}
        Ok(done) => panic!("keytool {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stdout)),
        Err(error) => panic!("install Java 17 or newer to run the tests: keytool: {error}"),
    }
}
