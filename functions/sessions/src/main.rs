#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    nova_auth::app::run(sessions::start).await
}
