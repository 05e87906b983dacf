//! What `template.yaml` promises and no deployment test would notice losing: keys that stay, rights that stay narrow,
//! answers that stay in the envelope, alarms that count what is counted.

mod answers;
mod functions;
mod iam;
mod monitoring;
mod options;
mod patterns;
mod rights;
mod sizes;
mod storage;
mod uploads;

use std::path::Path;

use nova_test_support::template::{AUTH, entries, keys, of_type, read, texts};

const CONSUMER: &str = "tests/consumer/template.yaml";
const UPLOADS: &str = "uploads/template.yaml";
const HTTP_CONSUMER: &str = "tests/consumer/http/template.yaml";
const WEBSOCKET_CONSUMER: &str = "tests/consumer/websocket/template.yaml";

fn root() -> &'static Path {
    nova_test_support::workspace()
}
