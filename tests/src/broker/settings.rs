//! What a broker is configured with.

use std::{fmt::Write as _, path::Path};

use crate::ports;

/// A listener beside the plain one, and how it is spoken to: `SSL`, `SASL_SSL`.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    pub name: &'static str,
    pub protocol: &'static str,
}

/// What a broker has that others have not.
#[derive(Debug, Clone, Default)]
pub struct Special {
    pub listeners: Vec<Listener>,
    /// Lines of its configuration.
    pub properties: String,
    /// Users whose passwords are in its storage, as its tool for formatting takes them.
    pub scram: Vec<String>,
}

/// Where a broker listens: the controller, plainly, and by the names of its special listeners.
pub(super) struct Ports {
    controller: u16,
    pub(super) plain: u16,
    pub(super) special: Vec<(&'static str, u16)>,
}

impl Ports {
    /// Ports that nobody listens on, found together so that they differ.
    pub(super) fn free(special: &Special) -> Self {
        let listeners: Vec<_> = (0..2 + special.listeners.len()).map(|_| ports::bound()).collect();
        let mut ports = listeners.iter().map(|it| it.local_addr().expect("a listener has an address").port());
        let mut next = || ports.next().expect("there are as many as listeners");
        let (controller, plain) = (next(), next());
        Self { controller, plain, special: special.listeners.iter().map(|it| (it.name, next())).collect() }
    }
}

pub(super) fn properties(directory: &Path, ports: &Ports, special: &Special) -> String {
    let (data, controller) = (directory.join("data"), ports.controller);
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{}", ports.plain);
    let mut protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned();
    for (listener, (name, port)) in special.listeners.iter().zip(&ports.special) {
        let _infallible = write!(listeners, ",{name}://127.0.0.1:{port}");
        let _infallible = write!(protocols, ",{name}:{}", listener.protocol);
    }
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map={protocols}
inter.broker.listener.name=PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=16777216
log.index.size.max.bytes=1048576
{}",
        data.display(),
        special.properties
    )
}
