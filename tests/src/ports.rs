//! Ports that nobody listens on.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

/// Who got one may bind it later, or leave it for a while and come back.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Bound, and no other call gets it. Not among those that outgoing connections get: who ends and comes back would find its
/// own taken.
pub(crate) fn bound() -> TcpListener {
    let mut random = fastrand::Rng::new();
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tried = (0..1_000).map(|_| random.u16(10_000..32_000)).filter(|port| given.insert(*port));
    tried.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("loopback has free ports")
}

/// So many of them.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| bound());
    listeners.map(|it| it.local_addr().expect("a listener has an address").port())
}
