//! A port for each API.

use std::net::SocketAddr;

use nova_template::Template;
use tokio::net::TcpListener;

use crate::server::{BindError, bind};

pub(super) type Listener = (TcpListener, SocketAddr);

/// A port for each API: the one that was asked for, and those after it.
pub(super) async fn listen(templates: &[Template], first: u16) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    for (offset, _) in (0_u16..).zip(templates.iter().flat_map(|template| &template.apis)) {
        let port = if first == 0 { 0 } else { first.saturating_add(offset) };
        listeners.push(bind(port, "--port").await?);
    }
    Ok(listeners)
}
