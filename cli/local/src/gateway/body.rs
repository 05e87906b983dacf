//! Bodies of requests, as far as API Gateway takes them.

use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody as _};

/// API Gateway takes bodies of up to 10 MB.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// A body that is too large is still read this far, so that the client hears why before the connection ends.
const MAX_DRAINED: usize = 64 * 1024 * 1024;

/// The body; `None` when it is larger than API Gateway takes. One that breaks off has no reader any more.
pub(super) async fn read(mut body: Body) -> Option<Bytes> {
    let mut held = Vec::new();
    let mut size = 0_usize;
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= MAX_BODY {
            held.extend_from_slice(&data);
        } else if size > MAX_DRAINED {
            break;
        }
    }
    (size <= MAX_BODY).then(|| held.into())
}
