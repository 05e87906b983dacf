//! What an operator can do about an error of AWS.

use std::error::Error;

use nova_auth::aws::{Code, Meaning};

use super::{Target, proxy};

impl Target {
    /// The error, with what it means for whoever typed the command. Errors that are none of AWS's stay as they are.
    pub(crate) fn explain(&self, error: Box<dyn Error>) -> Box<dyn Error> {
        match Code::behind(error.as_ref()).and_then(|code| self.remedy(code.meaning())) {
            Some(remedy) => format!("{error}: {remedy}").into(),
            None => error,
        }
    }

    fn remedy(&self, meaning: Meaning) -> Option<String> {
        let place = self.reached.get()?;
        let is_local = self.local.is_some();
        Some(match meaning {
            Meaning::NotThere => {
                let look = if is_local { "the URL" } else { "--stack, --region and --profile" };
                format!("not found: {place}. Check {look}, and the names you passed")
            }
            Meaning::Denied => {
                format!(
                    "access denied to {place}. docs/operators.md lists the permissions each command needs"
                )
            }
            Meaning::ExpiredCredentials => {
                "these credentials have expired; get new ones with `aws sso login`, or the way you got these"
                    .to_owned()
            }
            Meaning::BadCredentials => {
                "AWS rejected these credentials; are they another account's, or mistyped? Check --profile"
                    .to_owned()
            }
            Meaning::Connection | Meaning::TimedOut if is_local => {
                format!("cannot reach {place}; is it running?")
            }
            Meaning::Connection => format!("does the proxy in {} let you through to AWS?", proxy::named()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use nova_auth::flows::FlowError;
    use nova_auth::store::StoreError;

    use super::*;
    use crate::failure::{refused, told};

    fn target(local: Option<&str>) -> Target {
        let target = Target { local: local.map(str::to_owned), ..Target::default() };
        target.remember("the tables A and B".to_owned());
        target
    }

    fn failed(code: &str) -> StoreError {
        StoreError::Refused { operation: "read profile", reason: code.into() }
    }

    #[test]
    fn whoever_met_an_error_of_aws_reads_what_to_do_about_it() {
        for (code, remedy) in [
            (
                "ResourceNotFoundException",
                "not found: the tables A and B. Check --stack, --region and --profile",
            ),
            ("AccessDeniedException", "access denied to the tables A and B. docs/operators.md"),
            ("ExpiredTokenException", "these credentials have expired; get new ones with `aws sso login`"),
            ("ExpiredToken", "these credentials have expired"),
            ("UnrecognizedClientException", "AWS rejected these credentials"),
            ("InvalidSignatureException", "AWS rejected these credentials"),
            ("InvalidClientTokenId", "AWS rejected these credentials"),
            ("MissingAuthenticationTokenException", "AWS rejected these credentials"),
        ] {
            let line = target(None).explain(failed(code).into()).to_string();
            let begins = format!("read profile: storage refused the call ({code}): {remedy}");
            assert!(line.starts_with(&begins), "{line}");
        }
        let url = Some("http://127.0.0.1:8000");
        for code in ["connection", "time-out"] {
            let line = target(url).explain(failed(code).into()).to_string();
            assert!(line.ends_with(": cannot reach the tables A and B; is it running?"), "{line}");
        }
        let line = target(url).explain(failed("ResourceNotFoundException").into()).to_string();
        assert!(line.contains("Check the URL"), "{line}");
    }

    #[test]
    fn what_an_error_is_wrapped_in_does_not_hide_what_to_do_about_it() {
        let error = failed("AccessDeniedException");
        for error in
            [refused(FlowError::Store(error.clone())), told("import stopped early".to_owned(), error)]
        {
            let line = target(None).explain(error).to_string();
            assert!(line.contains(": access denied to "), "{line}");
        }
    }

    #[test]
    fn a_text_that_names_a_code_of_aws_is_no_error_of_aws() {
        let text = "no user has the name (AccessDeniedException)";
        let error = crate::failure::NotFound(text.to_owned());
        let explained = target(None).explain(error.into());
        assert_eq!(explained.to_string(), text);
        // The exit code is told by it.
        assert!(explained.is::<crate::failure::NotFound>());
    }

    #[test]
    fn an_error_that_nothing_can_be_done_about_stays_as_it_is() {
        let explained = target(None).explain(failed("ValidationException").into());
        assert_eq!(explained.downcast_ref(), Some(&failed("ValidationException")));
    }
}
