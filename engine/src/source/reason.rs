//! Why a connection to Kafka fails, in words that say what to do about it.

/// What librdkafka says, what that means, and the remedy.
const KNOWN: [(&str, &str, &str); 6] = [
    (
        "certificate verify failed",
        "no authority that is trusted here vouches for the broker's certificate",
        "set `ssl.ca.location` in [kafka.properties] to the file of its authority",
    ),
    (
        "alert bad certificate",
        "the broker wants a client's certificate that it trusts",
        "set `ssl.keystore.location`, or `ssl.certificate.location` and `ssl.key.location`, in [kafka.properties]",
    ),
    (
        "SASL authentication error",
        "the broker refuses the login",
        "check `sasl.username`, `sasl.password` and `sasl.mechanism` in [kafka.properties]",
    ),
    (
        "mechanism handshake failed",
        "the broker does not take this kind of login",
        "check `sasl.mechanism` in [kafka.properties]",
    ),
    (
        "SSL connection closed by peer",
        "the broker does not speak TLS at this port",
        "check `security.protocol` in [kafka.properties] and the port in `brokers`",
    ),
    (
        "in state APIVERSION_QUERY",
        "the broker hangs up at once, as one does that expects TLS or a login",
        "check `security.protocol` in [kafka.properties] and the port in `brokers`",
    ),
];

/// Where nothing more is known.
const ELSE: &str = "check `brokers` in [kafka] and the network between";

/// Of `ssl://host:9093/bootstrap: SSL handshake failed: … (after 3ms in state SSL_HANDSHAKE)`.
pub(super) fn in_words(reason: &str) -> String {
    let (place, said) = reason.split_once(": ").unwrap_or(("", reason));
    // How long it took helps nobody and differs each time.
    let said = said.split_once(" (after ").map_or(said, |(said, _)| said);
    let place = place.trim_end_matches("/bootstrap");
    match KNOWN.iter().find(|(sign, ..)| reason.contains(sign)) {
        // What the broker says about a login it may say to its users.
        Some((sign, meaning, remedy)) if sign.contains("SASL") || sign.contains("mechanism") => {
            format!("{place}: {meaning} ({said}); {remedy}")
        }
        Some((_, meaning, remedy)) => format!("{place}: {meaning}; {remedy}"),
        None if place.is_empty() => format!("{said}; {ELSE}"),
        None => format!("{place}: {said}; {ELSE}"),
    }
}

/// The reason in a log line of librdkafka's about a failed connection: `[thrd:…]: ssl://host:9093/bootstrap: …`.
pub(super) fn of_line(line: &str) -> &str {
    line.split_once("]: ").map_or(line, |(_, reason)| reason)
}
