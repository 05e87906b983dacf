//! Every call of every flow failing in turn, each of its tries: once before it takes effect, once after. The answer is
//! the right one or none; and when the client has tried again, what should be alive is, and what should be dead is.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, resume_unwind},
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use nova_auth::{
    domain::{mail::MailKind, refusal::Refusal, user::Status},
    flows::FlowError,
};

use super::{
    answers::refusal,
    change_of_address::{confirms, new_address, reverts, wishes},
    faults::{Fault, any},
    mailbox::{Read, forgets, reads, reads_of, reset},
    new_device::{asks_about, denies},
    rows::text,
    world::{OTHER_PASSWORD, PASSWORD, Pair, Person, World},
};

/// A user with two sessions, one of which has refreshed.
struct Scene {
    person: Person,
    first: Pair,
    current: Pair,
    other: Pair,
    /// What stood in the last mail to the user.
    read: Cell<Option<Read>>,
}

impl Scene {
    fn read(&self) -> Read {
        self.read.get().unwrap()
    }
}

const NOW: i64 = 200;

/// So many worlds are played at a time: what fails is tried again after pauses, and those of one are the time of the others.
const AT_ONCE: usize = 8;

async fn scene() -> (std::sync::Arc<World>, Scene) {
    // The counting of calls is one of those that may fail.
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let (person, first) = world.logged_in().await;
    let current = world.refresh(&world.at(100), &first.refresh).await.unwrap();
    let other = world.login(&world.at(1), &person).await.unwrap();
    world.assert_alive(NOW - 60, &current).await;
    world.wire.reset();
    (world, Scene { person, first, current, other, read: Cell::new(None) })
}

/// Runs the flow with each of its calls failing. `run` gets it done or says why not, `check` what has to hold then.
async fn each_call_fails<T>(
    run: impl AsyncFn(&World, &Scene) -> Result<T, FlowError>,
    check: impl AsyncFn(&World, &Scene, Result<T, Refusal>),
) {
    each_call_fails_after(async |_, _| {}, run, check).await;
}

async fn each_call_fails_after<T>(
    prepare: impl AsyncFn(&World, &Scene),
    run: impl AsyncFn(&World, &Scene) -> Result<T, FlowError>,
    check: impl AsyncFn(&World, &Scene, Result<T, Refusal>),
) {
    let (world, measure) = scene().await;
    prepare(&world, &measure).await;
    world.wire.reset();
    drop(run(&world, &measure).await);
    let calls = world.wire.sent().len();
    assert!(calls > 0);
    let one_fails = async |call: usize, fault: Fault| {
        let (world, scene) = scene().await;
        prepare(&world, &scene).await;
        world.wire.reset();
        world.wire.script(any().after(call).every_try(), fault);
        let mut outcome = run(&world, &scene).await;
        world.wire.reset();
        if let Err(error) = &outcome
            && !matches!(error, FlowError::Refused(_))
        {
            assert!(error.is_passing(), "{error:?}");
            outcome = run(&world, &scene).await;
        }
        check(&world, &scene, outcome.map_err(|error| refusal(Err::<(), _>(error)))).await;
    };
    let faults = (0..calls).flat_map(|call| [(call, Fault::throttled()), (call, Fault::LoseAnswer)]);
    let played = stream::iter(faults).map(|(call, fault)| {
        let name = format!("{fault:?} at call {call} of {calls}");
        AssertUnwindSafe(one_fails(call, fault)).catch_unwind().map(|outcome| (name, outcome))
    });
    let mut played = played.buffer_unordered(AT_ONCE);
    while let Some((name, outcome)) = played.next().await {
        if let Err(panic) = outcome {
            eprintln!("{name}");
            resume_unwind(panic);
        }
    }
}

#[tokio::test]
async fn a_decision_is_right_or_none() {
    each_call_fails(
        async |world, scene| world.authenticate(NOW, &scene.current.access).await,
        async |_, _, decision| assert_eq!(decision, Ok(())),
    )
    .await;
}

#[tokio::test]
async fn a_decision_about_a_revoked_session_is_no_or_none() {
    each_call_fails_after(
        async |world, scene| world.revoke_all(&world.at(NOW), &scene.person).await.unwrap(),
        async |world, scene| world.authenticate(NOW, &scene.current.access).await,
        async |_, _, decision| assert_eq!(decision, Err(Refusal::TokenRevoked)),
    )
    .await;
}

#[tokio::test]
async fn a_login_succeeds_when_it_is_tried_again() {
    each_call_fails(
        async |world, scene| world.login(&world.at(NOW), &scene.person).await,
        async |world, scene, pair| {
            let pair = pair.unwrap();
            world.assert_alive(NOW, &pair).await;
            world.assert_alive(NOW, &scene.other).await;
            world.refresh(&world.at(NOW + 1), &pair.refresh).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_a_wrong_password_or_nothing() {
    each_call_fails(
        async |world, scene| world.login_with(&world.at(NOW), &scene.person, "Wrong-horse-9!").await,
        async |world, scene, refused| {
            assert!(matches!(refused, Err(Refusal::InvalidCredentials(_))), "{refused:?}");
            assert_eq!(world.rows.sessions(scene.person.id).await.len(), 2);
            world.login(&world.at(NOW + 1), &scene.person).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn a_refresh_succeeds_when_it_is_tried_again_and_there_is_one_chain() {
    each_call_fails(
        async |world, scene| world.refresh(&world.at(NOW), &scene.current.refresh).await,
        async |world, scene, pair| {
            let pair = pair.unwrap();
            world.assert_alive(NOW, &pair).await;
            let again = world.refresh(&world.at(NOW + 5), &scene.current.refresh).await.unwrap();
            assert_eq!(again.refresh.expose(), pair.refresh.expose());
            world.refresh(&world.at(NOW + 60), &pair.refresh).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn a_retry_in_the_grace_window_succeeds_when_it_is_tried_again() {
    each_call_fails(
        async |world, scene| world.refresh(&world.at(120), &scene.first.refresh).await,
        async |world, scene, pair| {
            let pair = pair.unwrap();
            assert_eq!(pair.refresh.expose(), scene.current.refresh.expose());
            world.assert_alive(120, &pair).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_theft_ends_the_session_when_its_token_is_shown_again() {
    each_call_fails(
        async |world, scene| world.refresh(&world.at(NOW), &scene.first.refresh).await,
        async |world, scene, refused| {
            assert_eq!(refused.err(), Some(Refusal::RefreshTokenInvalid));
            world.assert_dead(NOW, &scene.current).await;
            world.assert_alive(NOW, &scene.other).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_logout_ends_its_session_when_it_is_said_again() {
    each_call_fails(
        async |world, scene| world.logout(&world.at(NOW), &scene.current).await,
        async |world, scene, ended| {
            ended.unwrap();
            world.assert_dead(NOW, &scene.current).await;
            world.assert_alive(NOW, &scene.other).await;
        },
    )
    .await;
}

#[tokio::test]
async fn ending_every_session_ends_every_session_when_it_is_tried_again() {
    each_call_fails(
        async |world, scene| world.revoke_all(&world.at(NOW), &scene.person).await,
        async |world, scene, ended| {
            ended.unwrap();
            world.assert_dead(NOW, &scene.current).await;
            world.assert_dead(NOW, &scene.other).await;
            let again = world.login(&world.at(NOW + 1), &scene.person).await.unwrap();
            world.assert_alive(NOW + 1, &again).await;
        },
    )
    .await;
}

#[tokio::test]
async fn disabling_ends_every_session_when_it_is_tried_again() {
    each_call_fails(
        async |world, scene| world.set_status(&world.at(NOW), &scene.person, Status::Disabled).await,
        async |world, scene, ended| {
            ended.unwrap();
            world.assert_dead(NOW, &scene.current).await;
            world.assert_dead(NOW, &scene.other).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_disabled_user_hears_so_or_nothing_and_no_session_comes_back_with_them() {
    each_call_fails_after(
        async |world, scene| {
            world.set_status(&world.at(NOW), &scene.person, Status::Disabled).await.unwrap();
        },
        async |world, scene| world.refresh(&world.at(NOW), &scene.current.refresh).await,
        async |world, scene, refused| {
            assert_eq!(refused.err(), Some(Refusal::UserInactive));
            let login = world.login(&world.at(NOW), &scene.person).await;
            assert_eq!(refusal(login), Refusal::AccountInactive);
            world.set_status(&world.at(NOW + 1), &scene.person, Status::Active).await.unwrap();
            world.assert_dead(NOW + 1, &scene.current).await;
            world.assert_dead(NOW + 1, &scene.other).await;
        },
    )
    .await;
}

/// The one flow that cannot just be said again: if it took, the old password is not the current one any more. The
/// session goes on either way, and the other one has ended exactly if the password is the new one.
#[tokio::test]
async fn a_password_change_took_as_a_whole_or_not_at_all() {
    each_call_fails(
        async |world, scene| world.change_password(&world.at(NOW), &scene.current.access).await,
        async |world, scene, changed| {
            assert!(matches!(changed, Ok(()) | Err(Refusal::CurrentPasswordInvalid(_))), "{changed:?}");
            world.assert_alive(NOW, &scene.current).await;
            world.assert_dead(NOW, &scene.other).await;
            world.login_with(&world.at(NOW), &scene.person, OTHER_PASSWORD).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn a_mail_is_asked_for_when_it_is_asked_for_again_and_its_link_works() {
    each_call_fails(
        async |world, scene| forgets(world, NOW, &scene.person.email).await,
        async |world, scene, asked| {
            asked.unwrap();
            let read = reads(world, NOW + 1, &scene.person.email).await;
            reset(world, NOW + 2, read.link(), OTHER_PASSWORD).await.unwrap();
            world.assert_dead(NOW + 3, &scene.current).await;
        },
    )
    .await;
}

/// By the link and by the code. Whether or not the first try took, the same request hears that it is done.
#[tokio::test]
async fn a_reset_is_done_once_when_it_is_said_again() {
    for by_code in [false, true] {
        each_call_fails_after(
            async |world, scene| {
                forgets(world, NOW - 10, &scene.person.email).await.unwrap();
                scene.read.set(Some(reads(world, NOW - 9, &scene.person.email).await));
            },
            async |world, scene| {
                let read = scene.read();
                let proof = if by_code { read.code(&scene.person.email) } else { read.link() };
                reset(world, NOW, proof, OTHER_PASSWORD).await
            },
            async |world, scene, done| {
                done.unwrap();
                world.assert_dead(NOW + 1, &scene.current).await;
                world.assert_dead(NOW + 1, &scene.other).await;
                assert_eq!(world.rows.count_events(scene.person.id, "authn_password_reset").await, 1);
                world.login_with(&world.at(NOW + 2), &scene.person, OTHER_PASSWORD).await.unwrap();
            },
        )
        .await;
    }
}

#[tokio::test]
async fn another_address_is_asked_for_when_it_is_asked_for_again_and_its_link_works() {
    each_call_fails(
        async |world, scene| wishes(world, NOW, &scene.current.access, &new_address(), PASSWORD).await,
        async |world, scene, asked| {
            asked.unwrap();
            let read = reads_of(world, NOW + 1, &new_address(), MailKind::Change).await;
            confirms(world, NOW + 2, read.link()).await.unwrap();
            world.assert_alive(NOW + 3, &scene.current).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_change_of_address_and_its_way_back_are_done_when_they_are_said_again() {
    let asked = async |world: &World, scene: &Scene| {
        wishes(world, NOW - 10, &scene.current.access, &new_address(), PASSWORD).await.unwrap();
        scene.read.set(Some(reads_of(world, NOW - 9, &new_address(), MailKind::Change).await));
    };
    each_call_fails_after(
        asked,
        async |world, scene| confirms(world, NOW, scene.read().link()).await,
        async |world, scene, done| {
            done.unwrap();
            assert_eq!(text(&world.rows.profile(scene.person.id).await, "email"), new_address().as_str());
            world.assert_alive(NOW + 1, &scene.current).await;
            world.assert_dead(NOW + 1, &scene.other).await;
        },
    )
    .await;
    each_call_fails_after(
        async |world, scene| {
            asked(world, scene).await;
            confirms(world, NOW - 8, scene.read().link()).await.unwrap();
            scene.read.set(Some(reads_of(world, NOW - 7, &scene.person.email, MailKind::Revert).await));
        },
        async |world, scene| reverts(world, NOW, scene.read().link()).await,
        async |world, scene, done| {
            done.unwrap();
            assert_eq!(
                text(&world.rows.profile(scene.person.id).await, "email"),
                scene.person.email.as_str()
            );
            world.assert_dead(NOW + 1, &scene.current).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_that_was_not_the_users_is_ended_when_it_is_said_again() {
    each_call_fails_after(
        async |world, scene| {
            asks_about(world, NOW - 10, &scene.person).await;
            scene.read.set(Some(reads_of(world, NOW - 9, &scene.person.email, MailKind::Deny).await));
        },
        async |world, scene| denies(world, NOW, scene.read().link()).await,
        async |world, scene, done| {
            done.unwrap();
            world.assert_dead(NOW + 1, &scene.current).await;
            world.assert_dead(NOW + 1, &scene.other).await;
            assert_eq!(world.rows.count_events(scene.person.id, "authn_login_denied").await, 1);
        },
    )
    .await;
}
