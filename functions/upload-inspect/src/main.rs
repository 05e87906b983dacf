//! The inspection, as Lambda runs it, and the process of its own that reads a stranger's file.

use std::process::ExitCode;

use nova_auth::app;
use nova_auth_uploads::inspect::contained::inside;

fn main() -> ExitCode {
    // Nothing else happens in the process that reads a stranger's file.
    inside(std::env::args()).unwrap_or_else(serve)
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> ExitCode {
    app::run(upload_inspect::start).await
}
