//! How a command ends that did not do all it was asked: exit codes that scripts can tell apart.

use std::error::Error;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use nova_auth::domain::refusal::{Fault, Refusal};
use nova_auth::domain::user::MAX_PERMISSIONS;
use nova_auth::flows::FlowError;
use nova_auth::http::error::{Problem, fault_arguments, fault_code};
use nova_auth::messages::{Language, message};

/// For the help of the program and for its manual page.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; anything done so far is listed above. The same command can be repeated
  2  usage error
  3  no such user, session or API
  4  done in part: the skipped lines or rows are named
  5  a check failed: of nova doctor, nova passwords check, nova rules test, or nova rules check --expect";

/// The command lacks something that clap can't ask for.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

/// There is nothing of that name.
#[derive(Debug)]
pub(crate) struct NotFound(pub(crate) String);

/// Some of it was done, and it has been said what was not.
#[derive(Debug)]
pub(crate) struct InPart(pub(crate) String);

/// Checks failed, and each has been named.
#[derive(Debug)]
pub(crate) struct Unwell(pub(crate) String);

/// A line of ours about an error, which stays behind it.
#[derive(Debug)]
struct Told {
    line: String,
    about: Box<dyn Error>,
}

/// Says it in this line, and keeps what it is about: who looks for AWS's code finds it there.
pub(crate) fn told(line: String, about: impl Into<Box<dyn Error>>) -> Box<dyn Error> {
    Box::new(Told { line, about: about.into() })
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::fmt::Display for Unwell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for InPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}
impl Error for NotFound {}
impl Error for InPart {}
impl Error for Unwell {}

impl Error for Told {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.about.as_ref())
    }
}

/// Says what went wrong, and gives the code for it.
pub(crate) fn report(error: &(dyn Error + 'static)) -> ExitCode {
    // Who reads has read enough (`nova user list | head`): that is no failure.
    if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    // With nobody to read the line, the exit code still tells.
    drop(writeln!(std::io::stderr(), "error: {error}"));
    if error.is::<Usage>() {
        ExitCode::from(2)
    } else if error.is::<NotFound>() {
        ExitCode::from(3)
    } else if error.is::<InPart>() {
        ExitCode::from(4)
    } else if error.is::<Unwell>() {
        ExitCode::from(5)
    } else {
        ExitCode::FAILURE
    }
}

/// What a flow said no to, in words.
pub(crate) fn refused(error: FlowError) -> Box<dyn Error> {
    match error {
        FlowError::Refused(Refusal::Invalid(faults)) => {
            let lines: Vec<_> = faults
                .iter()
                .map(|fault| {
                    if (fault.field, fault.fault) == ("permissions", Fault::TooLong) {
                        return format!("a user has at most {MAX_PERMISSIONS} permissions");
                    }
                    let reason =
                        message(fault_code(fault.fault), Language::English, &fault_arguments(fault.fault));
                    format!("{}: {reason}", fault.field)
                })
                .collect();
            lines.join(" ").into()
        }
        FlowError::Refused(Refusal::NotFound) => Box::new(NotFound("the user no longer exists".to_owned())),
        FlowError::Refused(Refusal::SessionNotFound) => {
            Box::new(NotFound("no active session with that id".to_owned()))
        }
        FlowError::Refused(refusal) => Problem::Refused(refusal).message(Language::English).into(),
        other => other.into(),
    }
}
