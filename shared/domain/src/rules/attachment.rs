//! Whether what API Gateway keeps of the answers for an API fits that API's rules.
//!
//! API Gateway gives an answer that it keeps to every later call with the same values of the identity sources. So the sources
//! have to tell apart all calls that may have different answers. `nova rules check --template` asks this of a template,
//! `nova doctor` of an account, and the authorizer of the event in front of it.

use std::fmt;

use super::{Access, Caching, Rules};

/// How an API asks the authorizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// The kind of API and of event.
    pub kind: Kind,
    /// How long API Gateway keeps an answer, in seconds.
    pub ttl_seconds: u64,
    /// The identity sources that are known to tell calls apart. Others don't matter.
    pub sources: Vec<Source>,
    /// The keys of the routes that it is asked about, as `ANY /notes/{proxy+}`. They matter for simple responses alone.
    pub routes: Vec<String>,
}

/// The kind of API, and what it takes for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// A REST API that sends the token alone, and keeps answers by it.
    RestToken,
    /// A REST API that sends the request.
    #[default]
    RestRequest,
    /// An HTTP API, payload 1.0: policies alone.
    Http1,
    /// An HTTP API, payload 2.0.
    Http2 {
        /// It takes "yes" or "no", which can't name routes.
        simple: bool,
    },
    /// A WebSocket API, which asks once for each connection and keeps nothing.
    WebSocket,
}

/// An identity source that tells calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The header with the token.
    Token,
    /// The client's address.
    Address,
    /// The key of the route.
    Route,
    /// The method, where the route takes any.
    Method,
    /// The path, where the route takes several.
    Path,
}

impl Source {
    /// The source of an expression of API Gateway: `method.request.header.Authorization`, `$context.routeKey`.
    #[must_use]
    pub fn of_expression(expression: &str) -> Option<Self> {
        let expression = expression.trim_start_matches('$');
        match expression.strip_prefix("context.") {
            Some(name) => Self::of_context(name),
            None => expression.split_once("request.header.").and_then(|(_, name)| Self::of_header(name)),
        }
    }

    /// The source of a header: the token's is the only one that the authorizer reads.
    #[must_use]
    pub fn of_header(name: &str) -> Option<Self> {
        name.eq_ignore_ascii_case("authorization").then_some(Self::Token)
    }

    /// The source of a value of the request context.
    #[must_use]
    pub fn of_context(name: &str) -> Option<Self> {
        match name {
            "identity.sourceIp" => Some(Self::Address),
            "routeKey" => Some(Self::Route),
            "httpMethod" => Some(Self::Method),
            "path" => Some(Self::Path),
            _ => None,
        }
    }

    /// What has to be among the sources of a simple response about a route that is kept.
    pub fn telling_calls_apart(route_key: &str) -> impl Iterator<Item = Self> {
        let is_everything = route_key == "$default";
        let method = (is_everything || route_key.starts_with("ANY ")).then_some(Self::Method);
        let path = (is_everything || route_key.contains('{')).then_some(Self::Path);
        [Some(Self::Route), method, path].into_iter().flatten()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "the header Authorization",
            Self::Address => "$context.identity.sourceIp",
            Self::Route => "$context.routeKey",
            Self::Method => "$context.httpMethod",
            Self::Path => "$context.path",
        })
    }
}

/// How the stack's authorizer is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// It counts calls (`AuthorizerRateLimit`).
    pub rate_limited: bool,
    /// It answers HTTP APIs of payload 2.0 with "yes" or "no" (`HttpResponses`).
    pub simple: bool,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// One user's answer is given to others.
    #[error("answers are cached for {seconds} s without the token, and served to other users")]
    SharedByUsers {
        /// How long an answer is kept.
        seconds: u64,
    },
    /// The API expects another form of answer.
    #[error("it expects another response form than the stack's HttpResponses: every call gets a 500")]
    OtherForm,
    /// Nothing was stored for it.
    #[error("it has no rules: NoRules decides for all of it")]
    NoRules,
    /// The rules were not checked for answers that are kept.
    #[error("answers are cached for {seconds} s, but its rules were stored with --uncached")]
    KeptAgainstRules {
        /// How long an answer is kept.
        seconds: u64,
    },
    /// The rule asks for what the event does not say.
    #[error("a TOKEN authorizer receives no address: an address rule denies everybody")]
    NoAddress,
    /// An answer to one address is given to others.
    #[error("answers under an address rule are cached for {seconds} s, and served to other addresses")]
    SharedByAddresses {
        /// How long an answer is kept.
        seconds: u64,
    },
    /// An answer about a session as it was is given to it as it is.
    #[error(
        "answers under a rule with mfa or fresh are cached for {seconds} s: past the age limit, and past a step-up"
    )]
    KeptPastSession {
        /// How long an answer is kept.
        seconds: u64,
    },
    /// An answer about one call is given to others.
    #[error("simple responses are cached for {seconds} s, and served to other calls")]
    SharedByCalls {
        /// How long an answer is kept.
        seconds: u64,
        /// The sources that would tell the calls apart.
        missing: Vec<Source>,
    },
    /// The limit does not hold.
    #[error("calls are not counted while an answer is cached ({seconds} s), and a refusal lasts as long")]
    NotCounted {
        /// How long an answer is kept.
        seconds: u64,
    },
}

impl Fault {
    /// What to do about it, at the API of this id.
    #[must_use]
    pub fn remedy(&self, api: &str) -> String {
        let add = |sources: &[Source]| {
            let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
            format!(
                "add {} to the identity sources, or set ReauthorizeEvery (AuthorizerResultTtlInSeconds) to 0",
                names.join(" and ")
            )
        };
        match self {
            Self::SharedByUsers { .. } => add(&[Source::Token]),
            Self::SharedByAddresses { .. } => add(&[Source::Address]),
            Self::SharedByCalls { missing, .. } => add(missing),
            Self::OtherForm => {
                "set EnableSimpleResponses of the API, or HttpResponses of the stack; all APIs get the same form"
                    .to_owned()
            }
            Self::NoRules => format!("nova rules put --api {api} rules.yaml"),
            Self::KeptAgainstRules { .. } => {
                format!("set ReauthorizeEvery (AuthorizerResultTtlInSeconds) to 0, or nova rules put --api {api} without --uncached")
            }
            Self::NoAddress => "use an authorizer of the type REQUEST".to_owned(),
            Self::KeptPastSession { .. } => "set ReauthorizeEvery (AuthorizerResultTtlInSeconds) to 0".to_owned(),
            Self::NotCounted { .. } => "set ReauthorizeEvery (AuthorizerResultTtlInSeconds) to 0, or AuthorizerRateLimit to 0".to_owned(),
        }
    }
}

impl Attachment {
    /// All that does not fit, the worst first.
    #[must_use]
    pub fn faults(&self, rules: Option<&Rules>, settings: Settings) -> Vec<Fault> {
        let is_other_form = self.kind == (Kind::Http2 { simple: !settings.simple });
        let accesses = rules.into_iter().flat_map(|rules| &rules.rules).map(|rule| &rule.access);
        [
            self.shared_by_users(),
            is_other_form.then_some(Fault::OtherForm),
            rules.is_none().then_some(Fault::NoRules),
            rules.and_then(|rules| self.kept_against(rules)),
            accesses.filter_map(|access| self.unable_to_hold(access)).next(),
            self.shared_by_calls(),
            self.kept_for().filter(|_| settings.rate_limited).map(|seconds| Fault::NotCounted { seconds }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// How long an answer is kept, in seconds, if any is.
    #[must_use]
    pub fn kept_for(&self) -> Option<u64> {
        Some(self.ttl_seconds).filter(|seconds| *seconds > 0 && self.kind != Kind::WebSocket)
    }

    /// Whether one user's answer is given to others. What a `TOKEN` authorizer is asked with is the token itself.
    #[must_use]
    pub fn shared_by_users(&self) -> Option<Fault> {
        let seconds = self.kept_for()?;
        let is_kept_by_token = self.kind == Kind::RestToken || self.has(Source::Token);
        (!is_kept_by_token).then_some(Fault::SharedByUsers { seconds })
    }

    /// Whether a simple response, which is about one call, is given to others.
    #[must_use]
    pub fn shared_by_calls(&self) -> Option<Fault> {
        let seconds = self.kept_for().filter(|_| self.kind == Kind::Http2 { simple: true })?;
        // Whatever the routes are, and if none was seen: there may be another one.
        let mut missing = vec![Source::Route];
        missing.extend(self.routes.iter().flat_map(|key| Source::telling_calls_apart(key)));
        missing.retain(|source| !self.has(*source));
        missing.sort_unstable_by_key(|source| *source as u8);
        missing.dedup();
        (!missing.is_empty()).then_some(Fault::SharedByCalls { seconds, missing })
    }

    /// Whether what a rule says does not hold on every answer, also on those that are kept.
    #[must_use]
    pub fn unable_to_hold(&self, access: &Access) -> Option<Fault> {
        let is_by_address = !access.addresses.is_empty();
        if is_by_address && self.kind == Kind::RestToken {
            return Some(Fault::NoAddress);
        }
        let seconds = self.kept_for()?;
        if !access.demand().is_nothing() {
            return Some(Fault::KeptPastSession { seconds });
        }
        (is_by_address && !self.has(Source::Address)).then_some(Fault::SharedByAddresses { seconds })
    }

    fn kept_against(&self, rules: &Rules) -> Option<Fault> {
        // Of those that are about the session more is to be said, and they can't be stored without --uncached.
        let by_session = rules.rules.iter().any(|rule| !rule.access.demand().is_nothing());
        let seconds = self.kept_for().filter(|_| rules.caching == Caching::Never && !by_session)?;
        Some(Fault::KeptAgainstRules { seconds })
    }

    fn has(&self, source: Source) -> bool {
        self.sources.contains(&source)
    }
}
