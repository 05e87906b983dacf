//! What an operator can do about an error of AWS. Our errors end with AWS's code in parentheses, and hold none of its text.

use std::error::Error;

use super::{Target, proxy};

/// Credentials whose time is over.
const EXPIRED: [&str; 2] = ["ExpiredTokenException", "ExpiredToken"];

/// Credentials that AWS knows nothing of.
const BAD_CREDENTIALS: [&str; 4] = [
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
];

impl Target {
    /// The error, with what it means for whoever typed the command. Errors that are none of AWS's stay as they are.
    pub(crate) fn explain(&self, error: Box<dyn Error>) -> Box<dyn Error> {
        let Some(place) = self.reached.get() else { return error };
        let line = error.to_string();
        let is = |code: &str| line.contains(&format!("({code})"));
        let look = if self.local.is_some() { "the URL" } else { "--stack, --region and --profile" };
        if is("ResourceNotFoundException") {
            format!("{line}: not there: {place}. Look at {look}, and at the names that you gave").into()
        } else if is("AccessDeniedException") {
            format!(
                "{line}: AWS denies it to these credentials: {place}. What each command needs stands in docs/operators.md"
            )
            .into()
        } else if EXPIRED.into_iter().any(is) {
            format!(
                "{line}: these credentials have expired: get new ones, by `aws sso login` or as you got these"
            )
            .into()
        } else if BAD_CREDENTIALS.into_iter().any(is) {
            format!(
                "{line}: AWS does not take these credentials: are they another account's, or mistyped? Look at --profile"
            )
            .into()
        } else if self.local.is_none()
            && is("connection")
            && let Some(variable) = proxy::named()
        {
            format!("{line}: does the proxy that {variable} names let you through to AWS?").into()
        } else if self.local.is_some() && (is("connection") || is("time-out")) {
            format!("{line}: {place}: does it run?").into()
        } else {
            error
        }
    }
}
