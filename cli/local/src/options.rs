//! What a stack is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::ask::Origin;
use crate::binaries::Binaries;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::in_process::InProcess;
use crate::logs::LogSink;

/// A user that everybody at this machine may be. The password protects nothing.
#[derive(Clone, Copy, Debug)]
pub struct DemoUser {
    /// The address.
    pub email: &'static str,
    pub password: &'static str,
}

/// What a stack is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The template whose first API is the authentication API.
    pub template: PathBuf,
    /// Further templates, whose APIs are served beside it.
    pub attach: Vec<PathBuf>,
    /// The port of the first API; the others get the ports after it. 0: any free ones.
    pub port: u16,
    /// The port of DynamoDB. 0: any free one.
    pub dynamodb_port: u16,
    /// A DynamoDB in place of the one in this process.
    pub engine: Option<Engine>,
    /// The file that keeps tables and secrets; without one, they end with the stack.
    pub data: Option<PathBuf>,
    /// Maximum processes per function.
    pub concurrency: usize,
    /// Development servers in the place of functions, by the function's logical id.
    pub upstreams: BTreeMap<String, Origin>,
    /// Functions that run in this process in place of their binaries, by the function's package name.
    pub in_process: BTreeMap<String, InProcess>,
    /// Where the functions' binaries are.
    pub binaries: Binaries,
    /// Whether a missing binary is an error instead of a reason to build it.
    pub no_build: bool,
    /// Values of the first template's parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Values that take the place of the first template's defaults, where it has such parameters.
    pub defaults: BTreeMap<String, String>,
    /// Values of the attached templates' parameters, where they have them.
    pub attached_parameters: BTreeMap<String, String>,
    /// Variables of every function, over the template's and the endpoints of the stack.
    pub environment: BTreeMap<String, String>,
    /// Whether the first API's port serves the page too, at `/`.
    pub page: bool,
    /// Somebody whom the page offers to sign in as. Its password is shown to whoever looks at the page.
    pub demo: Option<DemoUser>,
    /// Where the functions' output goes.
    pub logs: LogSink,
    /// The clock of the gateway; the functions have the machine's.
    pub clock: Clock,
}

impl Options {
    /// A stack in memory, on free ports.
    pub fn in_memory(template: impl Into<PathBuf>) -> Options {
        Options {
            template: template.into(),
            attach: Vec::new(),
            port: 0,
            dynamodb_port: 0,
            engine: None,
            data: None,
            concurrency: 10,
            upstreams: BTreeMap::new(),
            in_process: BTreeMap::new(),
            binaries: Binaries::default(),
            no_build: false,
            parameters: BTreeMap::new(),
            defaults: BTreeMap::new(),
            attached_parameters: BTreeMap::new(),
            environment: BTreeMap::new(),
            page: false,
            demo: None,
            logs: LogSink::default(),
            clock: Clock::default(),
        }
    }
}
