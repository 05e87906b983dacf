//! The policy of one user.

use super::{Asking, Caching, Method, Route, Rules, path};
use crate::policy::{MethodArn, Policy};

/// The longest resource that API Gateway takes in an authorizer's policy
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>).
pub const MAX_RESOURCE_CHARACTERS: usize = 512;

/// The longest policy that we make: API Gateway's limit for resource policies, since it states none for these.
pub const MAX_POLICY_BYTES: usize = 8192;

impl Rules {
    /// Everything that somebody may call, as Allow statements, except the paths that are denied whoever asks; where
    /// answers are not kept, the one method that was asked about, if they may call it.
    #[must_use]
    pub fn grant(&self, method: MethodArn<'_>, asking: Asking<'_>, allowed: bool) -> Policy {
        let policy = match self.caching {
            Caching::Never if allowed => Policy::allow(vec![method.literal()]),
            Caching::Never => return Policy::deny(),
            Caching::Allowed => match self.granted(&method.stage_arn(), asking) {
                nothing if nothing.is_empty() => return Policy::deny(),
                resources => kept(resources, method.partition),
            },
        };
        if policy.bytes() > MAX_POLICY_BYTES { Policy::deny() } else { policy }
    }

    /// The resources of every rule that lets somebody in; no more of them than are too many already.
    fn granted(&self, stage_arn: &str, asking: Asking<'_>) -> Vec<String> {
        let (mut granted, mut bytes) = (Vec::new(), 0);
        for rule in self.rules.iter().filter(|rule| rule.access.lets_in(asking)) {
            for resource in resources(stage_arn, &rule.route) {
                bytes += resource.len();
                granted.push(resource);
            }
            if bytes > MAX_POLICY_BYTES {
                break;
            }
        }
        granted
    }
}

/// A policy that may be kept: these resources, except on paths that can be read in more than one way.
pub(super) fn kept(resources: Vec<String>, partition: &str) -> Policy {
    Policy::allow_except(resources, path::odd_arns(partition))
}

/// A route as IAM says it. `ANY` is every method by name: a `*` in its place would cross into the path. What is done at an
/// event API is no resource of API Gateway.
pub(super) fn resources(stage_arn: &str, route: &Route) -> impl Iterator<Item = String> {
    let path = route.iam_path();
    let methods = if route.is_of_events() { &[] } else { route.methods() };
    methods.iter().map(move |method| match method {
        // `/$connect`: a WebSocket's routes have no method in their ARN.
        Method::Connect => [stage_arn, path].concat(),
        _ => [stage_arn, "/", method.name(), path].concat(),
    })
}
