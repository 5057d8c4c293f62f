//! Ports that nobody listens on.

use std::net::TcpListener;

/// Bound, so that the next one is another one. Not among those that outgoing connections get: who ends and comes back
/// would find its own taken.
pub(crate) fn bound() -> TcpListener {
    let mut random = fastrand::Rng::new();
    let mut tried = (0..1_000).map(|_| TcpListener::bind(("127.0.0.1", random.u16(10_000..32_000))));
    tried.find_map(Result::ok).expect("loopback has free ports")
}

/// So many of them, found together so that they differ.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| bound());
    listeners.map(|it| it.local_addr().expect("a listener has an address").port())
}
