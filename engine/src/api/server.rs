//! The server: bound before the service reads its first message, ended with it.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
};

use super::{
    config::{Access, Config, ConfigError},
    health, router,
};
use crate::pipeline::{Stop, handle::Handle};

/// How long requests may take that are under way when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// So many connections may wait to be taken: callers that all come at once, as after a restart, are not turned away. (The
/// system may allow fewer.)
const BACKLOG: u32 = 4_096;

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "the API cannot listen at {0}: something else does (hint: another eventlatch? set `listen` in [api], or \
         `enabled = false`)"
    )]
    Taken(SocketAddr),
    #[error("the API cannot listen at {0} (hint: set `listen` in [api], or `enabled = false`)")]
    Bind(SocketAddr, #[source] io::Error),
}

/// An address that is ours, where nobody is answered yet.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    config: Config,
    access: Access,
}

impl Api {
    /// Takes the address; none where the API is not wanted.
    pub fn bind(config: &Config) -> Result<Option<Self>, ApiError> {
        if !config.enabled {
            return Ok(None);
        }
        config.check()?;
        let access = config.access()?;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ApiError::Taken(config.listen),
            _ => ApiError::Bind(config.listen, error),
        };
        let listener = listen(config.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, token = access.token.is_some(), "Answering requests");
        Ok(Some(Self { listener, config: config.clone(), access }))
    }

    /// Answers the probes of an instance that waits for another one's end.
    pub async fn stand_by(self) {
        if let Err(error) = axum::serve(self.listener, health::of_standby()).await {
            tracing::error!(%error, "Probes are not answered any more");
        }
    }

    /// Answers until the service stops, then finishes what is under way.
    pub async fn serve(self, handle: Handle, stopped: watch::Receiver<Stop>) {
        let router = router(handle, &self.config, self.access, stopped.clone());
        let mut late = stopped.clone();
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(until(stopped));
        let out_of_time = async {
            drop(late.wait_for(|stop| *stop != Stop::Not).await);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = serving.into_future() => if let Err(error) = ended {
                tracing::error!(%error, "The API ended before its time");
            },
            () = out_of_time => tracing::warn!("Requests that took too long were given up"),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn until(mut stopped: watch::Receiver<Stop>) {
    // Whoever could say so is gone: the same.
    drop(stopped.wait_for(|stop| *stop != Stop::Not).await);
}
