//! What may happen to a user, their clients, a thief and an operator, and how likely it is to be tried.

use proptest::prelude::*;

use super::model::{ACCESS, GRACE, IDLE};

/// What somebody does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Login(usize),
    /// The client presents a token of its own, this many generations old.
    Refresh(usize, usize, Fate),
    /// A thief presents one of the client's tokens, and keeps what comes.
    Theft(usize, usize),
    /// Two tabs present the newest token at once.
    Tabs(usize),
    Logout(usize),
    RevokeAll,
    Disable,
    Enable,
    /// Disabled, and enabled at once.
    Lapse,
    /// Something of the three comes in while the client's refresh waits, before or after its write.
    Race(usize, Ending, Point),
    Wait(i64),
}

/// What becomes of a refresh and its answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Answered,
    /// The function dies after the write.
    Lost,
    /// The answer to the write is lost, and the SDK repeats it.
    Repeated,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Logout,
    RevokeAll,
    Disable,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Point {
    BeforeTheWrite,
    AfterTheWrite,
}

pub(super) const CLIENTS: usize = 3;

/// Logins, tokens of every age, and waits: nothing ends a session but its time and a theft.
pub(super) fn token_steps() -> impl Strategy<Value = Vec<Step>> {
    let begun = Just((0..CLIENTS).map(Step::Login).collect::<Vec<_>>());
    (begun, prop::collection::vec(token_step(), 6..16)).prop_map(|(begun, steps)| [begun, steps].concat())
}

/// Everything.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let ending = prop_oneof![Just(Ending::Logout), Just(Ending::RevokeAll), Just(Ending::Disable)];
    let point = prop_oneof![Just(Point::BeforeTheWrite), Just(Point::AfterTheWrite)];
    let step = prop_oneof![
        5 => client.clone().prop_map(Step::Login),
        20 => token_step(),
        1 => client.clone().prop_map(Step::Logout),
        1 => Just(Step::RevokeAll),
        1 => Just(Step::Disable),
        3 => Just(Step::Enable),
        1 => Just(Step::Lapse),
        1 => (client, ending, point)
            .prop_map(|(client, ending, point)| Step::Race(client, ending, point)),
    ];
    prop::collection::vec(step, 6..28)
}

fn token_step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let fate = prop_oneof![4 => Just(Fate::Answered), 2 => Just(Fate::Lost), 1 => Just(Fate::Repeated)];
    let age = prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    // A step takes a second itself, so two of the waits are to the end of the grace window and to the second after it.
    let wait = prop_oneof![
        2 => Just(1),
        3 => Just(GRACE - 2),
        4 => Just(GRACE - 1),
        1 => Just(ACCESS + 5),
        1 => Just(IDLE - GRACE / 2),
    ];
    prop_oneof![
        9 => (client.clone(), age.clone(), fate)
            .prop_map(|(client, age, fate)| Step::Refresh(client, age, fate)),
        2 => (client.clone(), age).prop_map(|(client, age)| Step::Theft(client, age)),
        2 => client.prop_map(Step::Tabs),
        5 => wait.prop_map(Step::Wait),
    ]
}

/// How long an honest client waits, and how often its answer is lost before it hears one.
pub(super) fn honest() -> impl Strategy<Value = Vec<(usize, i64, Vec<i64>)>> {
    // Tries of one refresh: the last is within the grace window of the first.
    let tries = prop::collection::vec(1..=GRACE / 3 - 1, 0..3);
    prop::collection::vec((0..CLIENTS, 1..IDLE / 4, tries), 4..12)
}
