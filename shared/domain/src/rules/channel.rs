//! What the rules say of an event API (AppSync Events): who may connect to it, subscribe to its channels and publish.
//!
//! The path of a channel is segments of letters, digits and dashes, and its case counts; so says AWS
//! (<https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html>). Whatever else it is denied here,
//! also the slash at its end that AWS's pattern has: what stands in a rule has one spelling. The slash at its beginning may be
//! missing, there and here.
//!
//! A subscription may end with `/*`. It then hears every channel below, of any depth: AWS's tutorial hears
//! `/default/greetings/tutorial` by `/default/*`
//! (<https://docs.aws.amazon.com/appsync/latest/eventapi/create-event-api-tutorial.html>). So it is no channel named `*`, which
//! `{room}` would be about, but all of them, and every rule about one of them has to let its subscriber in.

use super::{
    Asking, Method, Route, Rules, Verdict,
    overlap::{hides, overlap},
    route::EVENTS,
};
use crate::refusal::Refusal;

/// What a client does at an event API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<Channel> {
    /// It opens a connection.
    Connect,
    /// It wants to hear this channel, or all below it.
    Subscribe(Channel),
    /// It sends events to this channel.
    Publish(Channel),
}

impl<Channel: AsRef<str>> Operation<Channel> {
    /// The same, of a channel that is somebody else's.
    pub fn as_ref(&self) -> Operation<&str> {
        match self {
            Self::Connect => Operation::Connect,
            Self::Subscribe(channel) => Operation::Subscribe(channel.as_ref()),
            Self::Publish(channel) => Operation::Publish(channel.as_ref()),
        }
    }
}

impl<'a> Operation<&'a str> {
    /// Reads one as rules name it: `CONNECT` and `$events`, `PUBLISH` and `/chat/1`.
    #[must_use]
    pub fn parse(method: &str, path: &'a str) -> Option<Self> {
        match Method::named(method)? {
            Method::Connect if path == EVENTS => Some(Self::Connect),
            Method::Subscribe => Some(Self::Subscribe(path)),
            Method::Publish => Some(Self::Publish(path)),
            _ => None,
        }
    }
}

/// What a channel's path is about.
enum Channels {
    One(String),
    /// Every channel that begins so: `/chat/*`.
    Below(Route),
}

impl Channels {
    fn parse(channel: &str) -> Option<Self> {
        let path = channel.strip_prefix('/').unwrap_or(channel);
        let is_name = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let (names, is_wild) = match path.strip_suffix('*').map(|names| (names, names.strip_suffix('/'))) {
            Some(("", _)) => return Route::parse("SUBSCRIBE /*").ok().map(Self::Below),
            Some((_, Some(names))) => (names, true),
            _ => (path, false),
        };
        if !names.split('/').all(is_name) {
            return None;
        }
        let path = format!("/{path}");
        if is_wild {
            Route::parse(&format!("SUBSCRIBE {path}")).ok().map(Self::Below)
        } else {
            Some(Self::One(path))
        }
    }
}

impl Rules {
    /// What the rules say of one operation at an event API. No answer to it is kept, so it is the same however these rules
    /// were stored.
    #[must_use]
    pub fn decide_operation(&self, operation: Operation<&str>, asking: Asking<'_>) -> Verdict {
        let (method, channel) = match operation {
            Operation::Connect => return self.verdict(Method::Connect, &format!("/{EVENTS}"), asking),
            Operation::Subscribe(channel) => (Method::Subscribe, channel),
            Operation::Publish(channel) => (Method::Publish, channel),
        };
        match (Channels::parse(channel), method) {
            (Some(Channels::One(path)), _) => self.verdict(method, &path, asking),
            (Some(Channels::Below(wanted)), Method::Subscribe) => self.verdict_below(&wanted, asking),
            _ => Verdict { line: None, answer: Err(Refusal::Forbidden) },
        }
    }

    /// What the rules say of every channel below one, which is a yes if each of them may be heard alone: every rule lets in that
    /// is about one of them, until a rule is about all that are left.
    ///
    /// Nothing says whether `/chat/*` hears `/chat` itself. If a rule is about that, it has to let in, too.
    fn verdict_below(&self, wanted: &Route, asking: Asking<'_>) -> Verdict {
        let of_rule =
            |rule: &super::Rule| Verdict { line: Some(rule.line), answer: rule.access.admits(asking) };
        let base = wanted.base().map(|base| self.verdict(Method::Subscribe, &base.path(), asking));
        let mut verdicts: Vec<Verdict> = base.into_iter().filter(|base| base.line.is_some()).collect();
        let mut is_whole = false;
        for rule in self.rules.iter().filter(|rule| rule.route.methods() == [Method::Subscribe]) {
            if !overlap(&rule.route, wanted) {
                continue;
            }
            verdicts.push(of_rule(rule));
            is_whole = hides(&rule.route, wanted);
            if is_whole {
                break;
            }
        }
        let no = |verdict: &&Verdict| !verdict.is_allowed() && !verdict.asks_for_step_up();
        let uncovered = Verdict { line: None, answer: Err(Refusal::Forbidden) };
        match (verdicts.iter().find(no), is_whole) {
            (Some(no), _) => no.clone(),
            (None, false) => uncovered,
            // Only of whom everything else lets in.
            (None, true) => {
                let step_up = verdicts.iter().find(|verdict| verdict.asks_for_step_up());
                step_up.or(verdicts.last()).cloned().unwrap_or(uncovered)
            }
        }
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
