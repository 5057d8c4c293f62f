//! Brokers that want proof of who comes: every way in works, and each mistake is told once, in words.

use std::{collections::BTreeMap, path::Path, sync::OnceLock};

use eventlatch::source::{KafkaConfig, Producer};
use eventlatch_tests::{
    cluster::message,
    guarded::{CLIENT_CERTIFICATE, Guarded, PASSWORD, PASSWORDS, SCRAM, STORE_PASSWORD, TLS, USER},
    home::{DEADLINE, Home, noon_zone},
    topic::make_all,
    waiting::wait_for,
};
use serde_json::json;

use crate::chaos::readyz;

/// The listener of the broker, and properties of the client.
struct Way {
    brokers: String,
    properties: BTreeMap<&'static str, String>,
}

fn broker() -> &'static Guarded {
    static BROKER: OnceLock<Guarded> = OnceLock::new();
    BROKER.get_or_init(Guarded::start)
}

impl Way {
    fn to(listener: &str) -> Self {
        Self { brokers: broker().address_of(listener), properties: BTreeMap::new() }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.properties.insert(name, value.to_string());
        self
    }

    fn trusting(self, authority: &Path) -> Self {
        self.with("security.protocol", "ssl").with("ssl.ca.location", authority.display())
    }

    fn trusting_ours(self) -> Self {
        self.trusting(&broker().authority())
    }

    fn with_certificate(self) -> Self {
        let store = self.with("ssl.keystore.location", broker().client().display());
        store.with("ssl.keystore.password", STORE_PASSWORD)
    }

    fn with_password(self, mechanism: &str, password: &str) -> Self {
        let login = self.with("security.protocol", "sasl_ssl").with("sasl.mechanism", mechanism);
        login.with("sasl.username", USER).with("sasl.password", password)
    }

    fn home(&self) -> Home {
        let mut config = "[kafka.properties]\n".to_owned();
        for (name, value) in &self.properties {
            config += &format!("\"{name}\" = {}\n", json!(value));
        }
        let home = Home::new(&config)
            .with("EVENTLATCH_KAFKA_BROKERS", &self.brokers)
            .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
        let wanted = json!({"frequency": "D", "topic": "job-finish", "job_name": "j", "task_id": "t"});
        home.write("sensors/jobs.json", json!({"wanted": [wanted]}).to_string());
        home
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_works() {
    make_all(&broker().plain(), &["job-finish"], 1).await;
    let plain = KafkaConfig { brokers: broker().plain(), ..KafkaConfig::default() };
    let value = json!({"job_name": "j", "is_success": true, "timestamp": jiff::Timestamp::now().as_second()});
    Producer::new(&plain).unwrap().send(&message("job-finish", value.to_string())).await.unwrap();

    let ways = [
        Way::to(TLS).trusting_ours(),
        Way::to(CLIENT_CERTIFICATE).trusting_ours().with_certificate(),
        Way::to(PASSWORDS).trusting_ours().with_password("PLAIN", PASSWORD),
        Way::to(PASSWORDS).trusting_ours().with_password("SCRAM-SHA-256", PASSWORD),
        Way::to(SCRAM).trusting_ours().with_password("SCRAM-SHA-512", PASSWORD),
    ];
    for (number, way) in ways.iter().enumerate() {
        let home = way.home().with("EVENTLATCH_KAFKA_GROUP", format!("way{number}"));
        let mut service = home.serve();
        home.wait_for_rows(&mut service, "SELECT state FROM tasks", &["success"]);
        let checked = home.run(&["check", "--broker"]);
        assert_eq!(checked.code, Some(0), "{checked}");
        assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    }
}

const NO_AUTHORITY: &str = "ssl://HOST:PORT: no authority that is trusted here vouches for the broker's certificate; \
    set `ssl.ca.location` in [kafka.properties] to the file of its authority";
const NO_CERTIFICATE: &str = "ssl://HOST:PORT: the broker wants a client's certificate that it trusts; \
    set `ssl.keystore.location`, or `ssl.certificate.location` and `ssl.key.location`, in [kafka.properties]";
const OTHER_MECHANISM: &str = "sasl_ssl://HOST:PORT: the broker does not take this kind of login (SASL PLAIN mechanism \
    handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512); \
    check `sasl.mechanism` in [kafka.properties]";
const WRONG_PASSWORD: &str = "sasl_ssl://HOST:PORT: the broker refuses the login (SASL authentication error: \
    Authentication failed: Invalid username or password); \
    check `sasl.username`, `sasl.password` and `sasl.mechanism` in [kafka.properties]";
const WRONG_SCRAM: &str = "sasl_ssl://HOST:PORT: the broker refuses the login (SASL authentication error: Authentication \
    failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512); \
    check `sasl.username`, `sasl.password` and `sasl.mechanism` in [kafka.properties]";
const NOT_PLAIN: &str = "HOST:PORT: the broker hangs up at once, as one does that expects TLS or a login; \
    check `security.protocol` in [kafka.properties] and the port in `brokers`";
const NO_TLS: &str = "ssl://HOST:PORT: the broker does not speak TLS at this port; \
    check `security.protocol` in [kafka.properties] and the port in `brokers`";

#[test]
fn an_authority_that_is_not_trusted() {
    is_told(&Way::to(TLS).trusting(&broker().stranger()), NO_AUTHORITY);
    is_told(&Way::to(TLS).with("security.protocol", "ssl"), NO_AUTHORITY);
}

#[test]
fn no_certificate() {
    is_told(&Way::to(CLIENT_CERTIFICATE).trusting_ours(), NO_CERTIFICATE);
}

#[test]
fn a_wrong_password() {
    let with = |listener, mechanism| Way::to(listener).trusting_ours().with_password(mechanism, "battery staple");
    is_told(&with(PASSWORDS, "PLAIN"), WRONG_PASSWORD);
    is_told(&with(SCRAM, "SCRAM-SHA-512"), WRONG_SCRAM);
}

#[test]
fn another_mechanism() {
    is_told(&Way::to(SCRAM).trusting_ours().with_password("PLAIN", PASSWORD), OTHER_MECHANISM);
}

#[test]
fn plainly_where_tls_is_spoken_and_the_other_way_round() {
    is_told(&Way::to(TLS), NOT_PLAIN);
    let plain = Way { brokers: broker().plain(), properties: BTreeMap::new() };
    is_told(&plain.trusting_ours(), NO_TLS);
}

/// `check` says so; the service says the same in `/readyz` and, once, in its log.
#[track_caller]
fn is_told(way: &Way, expected: &str) {
    let (home, reason) = (way.home(), expected.replace("HOST:PORT", &way.brokers));
    let sentence = format!("no Kafka broker answers at {}: {reason}", way.brokers);
    // A broker's first handshakes may take longer than the check waits.
    wait_for(expected, DEADLINE, || {
        let checked = home.run(&["check", "--broker", "--timeout", "3"]);
        assert_eq!(checked.code, Some(6), "{checked}");
        if checked.stderr.trim() == format!("error: {sentence}") { Ok(()) } else { Err(checked.to_string()) }
    });

    let mut service = home.serve();
    let url = service.url();
    wait_for("the mistake to be told", DEADLINE, || match readyz::ask(&url) {
        Ok((false, answer))
            if answer["parts"].as_array().unwrap().iter().any(|it| it["problems"] == json!([sentence])) =>
        {
            Ok(())
        }
        other => Err(format!("{other:?} instead of {sentence}\n{}", service.log_end())),
    });
    let log = service.log();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    assert!(warnings.len() == 1 && warnings[0].ends_with(&reason), "{reason} is to be said once:\n{log}");
}
