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
            format!("{line}: not found: {place}. Check {look}, and the names you passed").into()
        } else if is("AccessDeniedException") {
            format!(
                "{line}: access denied to {place}. docs/operators.md lists the permissions each command needs"
            )
            .into()
        } else if EXPIRED.into_iter().any(is) {
            format!(
                "{line}: these credentials have expired; get new ones with `aws sso login`, or the way you got these"
            )
            .into()
        } else if BAD_CREDENTIALS.into_iter().any(is) {
            format!(
                "{line}: AWS rejected these credentials; are they another account's, or mistyped? Check --profile"
            )
            .into()
        } else if self.local.is_none()
            && is("connection")
            && let Some(variable) = proxy::named()
        {
            format!("{line}: does the proxy in {variable} let you through to AWS?").into()
        } else if self.local.is_some() && (is("connection") || is("time-out")) {
            format!("{line}: cannot reach {place}; is it running?").into()
        } else {
            error
        }
    }
}
