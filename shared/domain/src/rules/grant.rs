//! The policy of one user.

use super::{Asking, Caching, Method, Route, Rules, overlap::iam_path};
use crate::policy::{MethodArn, Policy};

/// The longest resource that API Gateway takes in an authorizer's policy
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
pub const MAX_RESOURCE_CHARACTERS: usize = 512;

/// The longest policy that we make: API Gateway's limit for resource policies, since it states none for these.
pub const MAX_POLICY_BYTES: usize = 8192;

impl Rules {
    /// Everything that somebody may call, as Allow statements; where answers are not kept, the one method that was
    /// asked about, if they may call it.
    #[must_use]
    pub fn grant(&self, method: MethodArn<'_>, asking: Asking<'_>, allowed: bool) -> Policy {
        let resources = match self.caching {
            Caching::Never if allowed => vec![literal(method.text)],
            Caching::Never => vec![],
            Caching::Allowed => {
                let admitting = self.rules.iter().filter(|rule| rule.access.admits(asking).is_ok());
                admitting.flat_map(|rule| resources(method.stage_arn(), &rule.route)).collect()
            }
        };
        if resources.is_empty() || policy_bytes(resources.clone()) > MAX_POLICY_BYTES {
            return Policy::deny();
        }
        Policy::allow(resources)
    }
}

/// The ARN itself as a pattern. IAM has no way to quote its wildcards, but `?` is one character whatever it is.
fn literal(arn: &str) -> String {
    arn.replace('*', "?")
}

/// A route as IAM says it. `ANY` is every method by name: a `*` in its place would cross into the path.
pub(super) fn resources(stage_arn: &str, route: &Route) -> Vec<String> {
    let path = iam_path(route);
    let resource = |method| match method {
        // `/$connect`: a WebSocket's routes have no method in their ARN.
        Method::Connect => format!("{stage_arn}{path}"),
        _ => format!("{stage_arn}/{}{path}", method.name()),
    };
    route.methods().into_iter().map(resource).collect()
}

pub(super) fn policy_bytes(resources: Vec<String>) -> usize {
    serde_json::to_string(&Policy::allow(resources)).map_or(usize::MAX, |text| text.len())
}
