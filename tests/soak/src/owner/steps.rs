//! What an owner of factors does next.

use super::super::history::At;
use super::super::plan::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// By password, and by a second step where one is asked for.
    LogIn,
    /// By one code in two logins at once, and by two codes in one.
    Twice,
    /// By a passkey alone.
    ByPasskey,
    Decide,
    Refresh,
    AddApp,
    AddPasskey,
    Remove,
    /// Has new recovery codes made.
    Renew,
    StepUp,
    List,
    /// Has the operator take all factors away.
    Reset,
    /// Changes the password between the two steps of a login.
    Between,
    /// Is disabled by the operator between the two steps, and enabled again.
    Disabled,
    EndAll,
}

const DEEDS: [(Deed, u64); 15] = [
    (Deed::LogIn, 24),
    (Deed::Twice, 8),
    (Deed::ByPasskey, 16),
    (Deed::Decide, 16),
    (Deed::Refresh, 8),
    (Deed::AddApp, 10),
    (Deed::AddPasskey, 10),
    (Deed::Remove, 7),
    (Deed::Renew, 5),
    (Deed::StepUp, 10),
    (Deed::List, 4),
    (Deed::Reset, 3),
    (Deed::Between, 4),
    (Deed::Disabled, 3),
    (Deed::EndAll, 2),
];

/// One step. All of it is drawn, needed or not, so that what came of one step does not change the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) think: At,
    pub(super) deed: Deed,
    pub(super) pick: u64,
}

/// Without end; an app and a passkey come first.
pub(super) fn steps(mut dice: Dice) -> impl Iterator<Item = Step> {
    let all = DEEDS.iter().map(|(_, weight)| weight).sum();
    let mut first = [Deed::LogIn, Deed::AddApp, Deed::LogIn, Deed::AddPasskey, Deed::ByPasskey].into_iter();
    std::iter::repeat_with(move || {
        let (think, mut left, pick) = (dice.between(50_000, 600_000), dice.between(0, all), dice.next());
        let drawn = DEEDS.into_iter().find_map(|(deed, weight)| {
            let is_this = left < weight;
            left = left.saturating_sub(weight);
            is_this.then_some(deed)
        });
        Step { think, deed: first.next().or(drawn).unwrap_or(Deed::Decide), pick }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_does_everything_and_the_same_for_a_seed() {
        let of = |seed| steps(Dice::of(seed, 3_000)).take(300).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for (deed, _) in DEEDS {
            assert!(of(1).iter().any(|step| step.deed == deed), "{deed:?}");
        }
    }
}
