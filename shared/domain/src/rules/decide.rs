//! What the rules say of one call, by every name that its path has.

use super::{Asking, Caching, Method, Rules, path};
use crate::{
    policy::{MethodArn, Policy},
    refusal::Refusal,
};

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The line that decided; none matched without one.
    pub line: Option<u32>,
    /// Yes, or why not.
    pub answer: Result<(), Refusal>,
}

impl Verdict {
    /// Whether it is yes.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.answer.is_ok()
    }

    /// Whether it would be yes if the session were shown more.
    pub(super) const fn asks_for_step_up(&self) -> bool {
        matches!(self.answer, Err(Refusal::StepUpRequired { .. }))
    }
}

impl Rules {
    /// What the rules say of one call, and the policy that says so; what else its user may call, too, where that policy may
    /// be kept.
    #[must_use]
    pub fn answer(
        &self,
        method: MethodArn<'_>,
        resource: Option<&str>,
        asking: Asking<'_>,
    ) -> (Verdict, Policy) {
        let verdict = self.decide(method.method, resource, method.path, asking);
        let policy = self.grant(method, asking, verdict.is_allowed());
        // The policy is held against the very call before it is sent: if the two disagree, it is no.
        match (verdict.answer, policy.allows(method.text)) {
            (Err(refusal), true) => (Verdict { answer: Err(refusal), ..verdict }, Policy::deny()),
            (Ok(()), false) => (Verdict { answer: Err(Refusal::Forbidden), ..verdict }, policy),
            (answer, _) => (Verdict { answer, ..verdict }, policy),
        }
    }

    /// What the rules say of one call. A path that servers could read in two ways is refused. Else every name that the
    /// path has must be let in, so that no spelling is a way around a rule: the path as it was sent, as it reads decoded,
    /// and without the parameters of its segments.
    ///
    /// Where answers are kept, a policy decides about the next call, which knows the path and nothing else; so the path
    /// alone decides, and [`Rules::unfit`] has seen to it that its other names are let in by the same pattern. Where they
    /// are not, the resource of the API (`/notes/{id}`) has to be let in too, and what no policy could say is refused:
    /// a path that can't be decoded, or that could be decoded twice.
    #[must_use]
    pub fn decide(&self, method: &str, resource: Option<&str>, path: &str, asking: Asking<'_>) -> Verdict {
        let refused = Verdict { line: None, answer: Err(Refusal::Forbidden) };
        let is_kept = self.caching == Caching::Allowed;
        // A client of an HTTP API can send any method: also one that is our own name for something else.
        let method = Method::named(method).filter(|method| !method.is_of_channels());
        let Some(method) = method else { return refused };
        if path::is_odd(path) || !(is_kept || path::is_plain(path)) {
            return refused;
        }
        // `{proxy+}` says nothing of what is called: its path does. A name that stands there twice is asked about once.
        let resource = resource.filter(|resource| !is_kept && !resource.contains("+}") && *resource != path);
        let decoded = path::decoded(path).filter(|decoded| decoded != path);
        let read = decoded.as_deref().unwrap_or(path);
        let bare = read.contains(';').then(|| path::without_parameters(read));
        let names = resource.into_iter().chain([path]).chain(decoded.as_deref()).chain(bare.as_deref());
        let (mut verdict, mut step_up) = (refused, None);
        for name in names {
            verdict = self.verdict_of_name(method, name, asking);
            if verdict.asks_for_step_up() {
                // Only of whom it lets in: another name may be a no, whatever is shown.
                step_up.get_or_insert(verdict.clone());
            } else if !verdict.is_allowed() {
                return verdict;
            }
        }
        step_up.unwrap_or(verdict)
    }

    /// What the rules say of one name of a path. REST APIs, and many servers, take `/notes/` for `/notes`: if a rule is
    /// about that, it has to let in, too.
    fn verdict_of_name(&self, method: Method, name: &str, asking: Asking<'_>) -> Verdict {
        let verdict = self.verdict(method, name, asking);
        let is_open = verdict.is_allowed() || verdict.asks_for_step_up();
        let Some(short) = name.strip_suffix('/').filter(|_| is_open) else { return verdict };
        let short = self.verdict(method, short, asking);
        let is_no = short.line.is_some() && !short.is_allowed();
        if is_no && (verdict.is_allowed() || !short.asks_for_step_up()) { short } else { verdict }
    }

    /// What the rules say of one path.
    #[must_use]
    pub fn verdict(&self, method: Method, path: &str, asking: Asking<'_>) -> Verdict {
        match self.rules.iter().find(|rule| rule.route.matches(method, path)) {
            Some(rule) => Verdict { line: Some(rule.line), answer: rule.access.admits(asking) },
            None => Verdict { line: None, answer: Err(Refusal::Forbidden) },
        }
    }
}
