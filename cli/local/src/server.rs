//! Listening on this machine, and only on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Requests that are still under way get this long when the stack stops.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// A port could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("port {port} is in use; choose another with {flag}, or 0 for any free port")]
    InUse {
        /// The port that was asked for.
        port: u16,
        /// The flag that chooses it.
        flag: &'static str,
    },
    /// The operating system refused for another reason.
    #[error("cannot listen on port {port} ({flag}): {source}")]
    Other {
        /// The port that was asked for.
        port: u16,
        /// The flag that chooses it.
        flag: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Takes `port` of 127.0.0.1, or any free one for 0. `flag` is what a person changes when it is taken.
pub(crate) async fn bind(port: u16, flag: &'static str) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => BindError::InUse { port, flag },
        _ => BindError::Other { port, flag, source },
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A server that runs until it is stopped, or dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router`; its handlers may ask for the peer's address.
    pub(crate) fn serve(listener: TcpListener, address: SocketAddr, router: Router) -> Server {
        Server::run(address, async move |stop| {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            // An error here is one of accepting, which axum retries by itself.
            drop(axum::serve(listener, service).with_graceful_shutdown(stop).await);
        })
    }

    /// Runs a server that ends when the future that it is given does.
    pub(crate) fn run<F>(address: SocketAddr, serve: impl FnOnce(Stop) -> F) -> Server
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stopping, mut stopped) = watch::channel(false);
        let stop: Stop = Box::pin(async move {
            // A sender that is gone is a server that was dropped.
            drop(stopped.wait_for(|stopping| *stopping).await);
        });
        Server { address, stopping, task: tokio::spawn(serve(stop)) }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more connections from now on.
    pub(crate) fn close(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for the last requests, but not for long.
    pub(crate) async fn stop(mut self) {
        self.close();
        if tokio::time::timeout(LAST_REQUESTS, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Resolves when a server has to stop.
pub(crate) type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named_together_with_its_flag() {
        let (_taken, address) = bind(0, "--port").await.unwrap();
        let error = bind(address.port(), "--port").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("port {} is in use; choose another with --port, or 0 for any free port", address.port())
        );
    }
}
