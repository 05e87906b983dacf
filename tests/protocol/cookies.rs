//! Sessions that are delivered by cookie: keys change, answers are lost, tokens leave their cookie.

use nova_auth::{
    domain::refusal::Refusal,
    flows::{
        FlowError,
        csrf::{Carrier, Delivered, Proof, offer},
        login::{LoginAttempt, login},
        logout::{LogoutAttempt, logout},
        refresh::{RefreshAttempt, refresh},
    },
    keys::Token,
};

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    rows::{number, text},
    vault::{REFRESH, key},
    world::{ADDRESS, PASSWORD, Pair, Person, World, attempt, device, presenting, time},
};

/// A page in a browser: what it holds, and what it was given.
#[derive(Clone)]
struct Page {
    access: Token,
    cookie: Token,
    csrf: Token,
}

impl Page {
    fn of(access: Token, refresh: Delivered) -> Self {
        let Delivered::Cookie { token, csrf, .. } = refresh else { panic!("a refresh token in a body") };
        Self { access, cookie: token, csrf }
    }

    fn proof(&self) -> Proof {
        Proof {
            from_our_pages: true,
            token: Some(self.csrf.clone()),
            session: Some(self.cookie.clone()),
            anonymous: None,
        }
    }

    fn pair(&self) -> Pair {
        Pair { access: self.access.clone(), refresh: self.cookie.clone() }
    }
}

async fn open_page(world: &World, person: &Person, second: i64) -> Result<Page, FlowError> {
    let offered = offer(&world.service.refresh, &world.at(second), None, None).await?;
    let proof = Proof {
        from_our_pages: true,
        token: Some(offered.token),
        session: None,
        anonymous: Some(offered.anonymous),
    };
    let attempt =
        LoginAttempt { carrier: Carrier::Cookie(proof), ..attempt(&person.email, PASSWORD, ADDRESS) };
    let answer = login(&world.service, &world.at(second), &attempt).await?.begun().expect("no second step");
    Ok(Page::of(answer.access.token, answer.refresh))
}

async fn by_cookie(world: &World, second: i64, page: &Page) -> Result<Page, FlowError> {
    let carrier = Carrier::Cookie(page.proof());
    let attempt = RefreshAttempt { carrier, ..presenting(&page.cookie) };
    let answer = refresh(&world.service, &world.at(second), &attempt).await?;
    Ok(Page::of(answer.access.token, answer.refresh))
}

async fn logged_in(world: &World) -> (Person, Page) {
    let person = world.person("amal").await;
    let page = open_page(world, &person, 0).await.unwrap();
    (person, page)
}

#[tokio::test]
async fn a_csrf_token_is_the_same_until_another_key_signs_and_counts_as_long_as_its_own_key_does() {
    let world = World::new().await;
    world.vault.put_keys(REFRESH, &[key("refresh-1", None), key("refresh-2", Some(time(600)))]);
    let (_, first) = logged_in(&world).await;
    let second = by_cookie(&world, 60, &first).await.unwrap();
    assert_eq!(first.csrf.expose(), second.csrf.expose());
    assert!(first.csrf.expose().starts_with("refresh-1."));
    // The old key's token, and the tab that still has it, are good; the answer has the new key's.
    let third = by_cookie(&world, 700, &second).await.unwrap();
    assert!(third.csrf.expose().starts_with("refresh-2."), "it names its key");
    let old_tab = Page { csrf: first.csrf.clone(), ..third.clone() };
    let fourth = by_cookie(&world, 800, &old_tab).await.unwrap();
    assert_eq!(fourth.csrf.expose(), third.csrf.expose());
}

#[tokio::test]
async fn a_pair_under_a_key_that_has_left_is_refused_and_the_session_lives() {
    let world = World::new().await;
    world.vault.put_keys(REFRESH, &[key("refresh-1", None), key("refresh-2", Some(time(100)))]);
    let (person, first) = logged_in(&world).await;
    let second = by_cookie(&world, 200, &first).await.unwrap();
    let before = offer(&world.service.refresh, &world.at(50), None, None).await.unwrap();
    world.vault.put_keys(REFRESH, &[key("refresh-2", Some(time(100)))]);
    // The ring is read again after half a minute.
    let stale = Page { csrf: first.csrf.clone(), ..second.clone() };
    assert_eq!(refusal(by_cookie(&world, 600, &stale).await), Refusal::CsrfInvalid);
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "no token was used up");
    // A pair from before a login under the old key is none; the browser is given another.
    let proof = |token: &Token, cookie: &Token| Proof {
        from_our_pages: true,
        token: Some(token.clone()),
        session: None,
        anonymous: Some(cookie.clone()),
    };
    let carrier = Carrier::Cookie(proof(&before.token, &before.anonymous));
    let old = LoginAttempt { carrier, ..attempt(&person.email, PASSWORD, ADDRESS) };
    assert_eq!(refusal(login(&world.service, &world.at(601), &old).await), Refusal::CsrfInvalid);
    let fresh = offer(&world.service.refresh, &world.at(602), None, Some(&before.anonymous)).await.unwrap();
    assert_ne!(fresh.anonymous.expose(), before.anonymous.expose());
    by_cookie(&world, 603, &second).await.unwrap();
}

/// "No" would throw the page's form away, and "yes" would be a guess.
#[tokio::test]
async fn a_csrf_token_of_a_key_that_nobody_can_look_up_is_neither_accepted_nor_refused() {
    let world = World::new().await;
    let (_, page) = logged_in(&world).await;
    world.vault.set_failing(true);
    let unknown = format!("refresh-9.{}", page.csrf.expose().rsplit('.').next().unwrap());
    let newer = Page { csrf: Token::new(unknown), ..page.clone() };
    assert_passing(by_cookie(&world, 60, &newer).await);
    world.vault.set_failing(false);
    assert_eq!(refusal(by_cookie(&world, 100, &newer).await), Refusal::CsrfInvalid);
    by_cookie(&world, 101, &page).await.unwrap();
}

#[tokio::test]
async fn a_refresh_by_cookie_whose_answer_was_lost_gets_the_same_successor() {
    let world = World::new().await;
    let (_, first) = logged_in(&world).await;
    let lost = by_cookie(&world, 60, &first).await.unwrap();
    let again = by_cookie(&world, 89, &first).await.unwrap();
    assert_eq!(again.cookie.expose(), lost.cookie.expose());
    world.wire.script(on("UpdateItem"), Fault::LoseAnswer);
    let next = by_cookie(&world, 900, &again).await.unwrap();
    by_cookie(&world, 1800, &next).await.unwrap();
}

#[tokio::test]
async fn a_token_that_comes_the_other_way_ends_its_session_durably_or_gets_no_answer() {
    for taken_out in [true, false] {
        let world = World::new().await;
        let (person, page) = logged_in(&world).await;
        let pair = world.login(&world.at(1), &person).await.unwrap();
        let held = if taken_out { page.pair() } else { pair.clone() };
        let other_way = async |second: i64| {
            if taken_out {
                return world.refresh(&world.at(second), &page.cookie).await.map(drop);
            }
            let offered = offer(&world.service.refresh, &world.at(second), Some(&pair.refresh), None).await;
            let planted =
                Page { cookie: pair.refresh.clone(), csrf: offered?.token, access: pair.access.clone() };
            by_cookie(&world, second, &planted).await.map(drop)
        };
        world.wire.script(on("TransactWriteItems").every_try(), Fault::server_error());
        assert_passing(other_way(60).await);
        assert_eq!(refusal(other_way(61).await), Refusal::RefreshTokenInvalid);
        world.assert_dead(62, &held).await;
        assert_eq!(world.rows.count_events(person.id, "authn_token_reuse").await, 1);
        // The other session of the same user is none of its business.
        if taken_out {
            world.assert_alive(62, &pair).await;
        } else {
            world.assert_alive(62, &page.pair()).await;
        }
    }
}

/// The mode is the row's: a write that is checked a moment later would have used the token up by then.
#[tokio::test]
async fn a_token_that_comes_the_other_way_uses_nothing_up() {
    let world = World::new().await;
    let (person, page) = logged_in(&world).await;
    assert!(world.refresh(&world.at(60), &page.cookie).await.is_err());
    let row = world.rows.session(person.id).await;
    assert_eq!((number(&row, "generation"), text(&row, "state")), (0, "revoked".to_owned()));
}

#[tokio::test]
async fn a_revoked_session_stays_revoked_whatever_its_page_proves() {
    let world = World::new().await;
    let (person, page) = logged_in(&world).await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::HoldAnswer(gate.clone()));
    let (refreshed, ()) = tokio::join!(by_cookie(&world, 60, &page), async {
        gate.arrival().await;
        world.revoke_all(&world.at(60), &person).await.unwrap();
        gate.open();
    });
    if let Ok(next) = refreshed {
        world.assert_dead(61, &next.pair()).await;
        assert!(by_cookie(&world, 61, &next).await.is_err());
    }
    assert_eq!(refusal(by_cookie(&world, 62, &page).await), Refusal::RefreshTokenInvalid);
    // The offer for a page is no decision about its session.
    offer(&world.service.refresh, &world.at(63), Some(&page.cookie), None).await.unwrap();
}

#[tokio::test]
async fn a_page_that_proves_nothing_makes_no_call_to_the_tables() {
    let world = World::new().await;
    let (person, page) = logged_in(&world).await;
    world.wire.reset();
    let forged = Page { csrf: Token::new("refresh-1.x"), ..page.clone() };
    assert_eq!(refusal(by_cookie(&world, 60, &forged).await), Refusal::CsrfInvalid);
    let proof = Proof { from_our_pages: false, ..page.proof() };
    let attempt =
        LoginAttempt { carrier: Carrier::Cookie(proof), ..attempt(&person.email, PASSWORD, ADDRESS) };
    assert_eq!(refusal(login(&world.service, &world.at(60), &attempt).await), Refusal::CsrfInvalid);
    assert!(world.wire.sent().is_empty());
}

/// Logs out with an access token, and what a browser sends along.
async fn log_out(
    world: &World,
    second: i64,
    access: Option<&Token>,
    cookie: &Token,
    proof: Proof,
) -> Result<bool, FlowError> {
    let attempt = LogoutAttempt {
        access: access.cloned(),
        refresh: Some((cookie.clone(), Carrier::Cookie(proof))),
        device: device(),
    };
    logout(&world.service, &world.at(second), &attempt).await.map(|done| done.cookie_is_over)
}

/// Browsers send cookies unasked: a client that logs out by its own token must not end the session of the page beside it.
#[tokio::test]
async fn a_cookie_that_came_along_unasked_ends_nothing_and_one_with_its_proof_does() {
    let world = World::new().await;
    let (person, page) = logged_in(&world).await;
    let other = world.login(&world.at(1), &person).await.unwrap();
    let unasked = Proof { token: None, ..page.proof() };
    assert!(!log_out(&world, 2, Some(&other.access), &page.cookie, unasked).await.unwrap());
    world.assert_dead(2, &other).await;
    world.assert_alive(2, &page.pair()).await;

    let alone = Proof { token: None, ..page.proof() };
    assert_eq!(refusal(log_out(&world, 3, None, &page.cookie, alone).await), Refusal::CsrfInvalid);
    world.assert_alive(3, &page.pair()).await;

    let third = world.login(&world.at(4), &person).await.unwrap();
    assert!(log_out(&world, 5, Some(&third.access), &page.cookie, page.proof()).await.unwrap());
    world.assert_dead(5, &third).await;
    let decision = world.authenticate(5, &page.access).await;
    assert_eq!(refusal(decision), Refusal::TokenRevoked);
}

/// The answer to it clears the cookie; the answer to a bad access token would leave it, and the browser stuck with it.
#[tokio::test]
async fn of_two_bad_tokens_the_cookie_is_the_one_that_is_named() {
    let world = World::new().await;
    let (_, page) = logged_in(&world).await;
    let junk = page.access.clone();
    let bad_access = page.cookie.clone();
    let refused = refusal(log_out(&world, 1, Some(&bad_access), &junk, page.proof()).await);
    assert_eq!(refused, Refusal::RefreshTokenInvalid);
}

#[tokio::test]
async fn another_sites_page_refreshes_nothing_whatever_it_knows() {
    let world = World::new().await;
    let (_, page) = logged_in(&world).await;
    let carrier = Carrier::Cookie(Proof { from_our_pages: false, ..page.proof() });
    let attempt = RefreshAttempt { carrier, ..presenting(&page.cookie) };
    let refused = refusal(refresh(&world.service, &world.at(1), &attempt).await);
    assert_eq!(refused, Refusal::CsrfInvalid);
    by_cookie(&world, 2, &page).await.unwrap();
}
