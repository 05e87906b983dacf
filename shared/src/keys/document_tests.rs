use secrecy::ExposeSecret as _;

use super::*;

fn lifetimes() -> Lifetimes {
    Lifetimes {
        access: SignedDuration::from_mins(15),
        refresh: SignedDuration::from_hours(24 * 7),
        session: SignedDuration::from_hours(24 * 30),
        grace: SignedDuration::from_secs(30),
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(1_795_512_600).unwrap()
}

/// Keys of these names and further members; no two are the same key.
fn document(kind: TokenKind, keys: &[(&str, &str)]) -> KeyDocument {
    let jwk = |(index, (kid, more)): (usize, &(&str, &str))| {
        format!(
            r#"{{"kty":"oct","alg":"HS256","kid":"{kid}"{more},"k":"aB{index}dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}}"#
        )
    };
    let keys: Vec<_> = keys.iter().enumerate().map(jwk).collect();
    KeyDocument::parse(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")), kind).unwrap()
}

fn kids(document: &KeyDocument) -> Vec<String> {
    document.jwks.iter().map(kid).collect()
}

fn nbf(hours: i64) -> String {
    format!(r#","nbf":{}"#, (start() + SignedDuration::from_hours(hours)).as_second())
}

#[test]
fn a_key_leaves_when_its_last_token_is_dead_and_not_a_second_before() {
    for (kind, needed) in [
        // Staleness, the longest access token, leeway, cache.
        (TokenKind::Access, SignedDuration::from_secs(45 * 60 + 3600 + 5 + 30)),
        // Staleness, the refresh token, the grace in which its successor is made again, leeway, cache.
        (TokenKind::Refresh, SignedDuration::from_secs(45 * 60 + 7 * 86_400 + 30 + 5 + 30)),
    ] {
        let ring = document(kind, &[("old", ""), ("new", &nbf(1))]);
        let end = start() + SignedDuration::from_hours(1) + needed;
        assert_eq!(ring.leaves_at("old", &lifetimes()), Some(end));
        let before = ring.clone().without_dead_keys(end - SignedDuration::from_secs(1), &lifetimes());
        assert_eq!(kids(&before), ["old", "new"]);
        assert_eq!(kids(&ring.without_dead_keys(end, &lifetimes())), ["new"]);
    }
}

#[test]
fn the_key_that_signs_never_leaves_and_nor_does_one_whose_successor_ends_itself() {
    let far = start() + SignedDuration::from_hours(24 * 365);
    let alone = document(TokenKind::Access, &[("only", "")]);
    assert_eq!(kids(&alone.without_dead_keys(far, &lifetimes())), ["only"]);
    let end = (far + SignedDuration::from_hours(1)).as_second();
    let handed_back =
        document(TokenKind::Access, &[("old", ""), ("guest", &format!(r#"{},"exp":{end}"#, nbf(1)))]);
    assert_eq!(kids(&handed_back.without_dead_keys(far, &lifetimes())), ["old", "guest"]);
    let by_hand = document(TokenKind::Access, &[("old", ""), ("new", "")]);
    assert_eq!(kids(&by_hand.without_dead_keys(far, &lifetimes())), ["old", "new"]);
}

/// What a key of second factors seals lives as long as its factor: a rotation that took one away would lock its users out.
#[test]
fn a_key_of_second_factors_never_leaves_and_is_idle_when_no_stale_ring_seals_with_it() {
    let ring = document(TokenKind::Factor, &[("old", ""), ("new", &nbf(1))]);
    let far = start() + SignedDuration::from_hours(24 * 3650);
    assert_eq!(ring.leaves_at("old", &lifetimes()), None);
    assert_eq!(kids(&ring.clone().without_dead_keys(far, &lifetimes())), ["old", "new"]);
    let idle = start() + SignedDuration::from_hours(1) + SignedDuration::from_secs(45 * 60 + 30);
    assert!(!ring.is_idle("old", idle - SignedDuration::from_secs(1)) && ring.is_idle("old", idle));
    assert!(!ring.is_idle("new", far) && !ring.is_idle("nobodys", far));
}

#[test]
fn an_expired_key_leaves_at_once() {
    let ring = document(TokenKind::Access, &[("old", r#","exp":1795512600"#), ("new", "")]);
    assert_eq!(kids(&ring.without_dead_keys(start(), &lifetimes())), ["new"]);
}

#[test]
fn the_text_is_read_back_as_it_was_and_debug_shows_nothing() {
    let ring = document(TokenKind::Access, &[("a", ""), ("b", &nbf(1))]);
    let again = KeyDocument::parse(ring.text().expose_secret(), TokenKind::Access).unwrap();
    assert_eq!(again.jwks, ring.jwks);
    assert!(!format!("{ring:?}").contains("dE6gH9"));
}

#[test]
fn a_new_key_for_refresh_tokens_is_of_hs256_whatever_is_asked_for() {
    let ring = document(TokenKind::Refresh, &[("a", "")]);
    let ring = ring.with_new_key(KeyAlgorithm::Es256, start(), start()).unwrap();
    assert_eq!(ring.ring().unwrap().keys().last().unwrap().algorithm, KeyAlgorithm::Hs256);
}

#[test]
fn a_ring_follows_another_by_one_new_key_and_nothing_else() {
    let current = document(TokenKind::Access, &[("a", ""), ("b", &nbf(-1))]);
    let begins = start() + NOTICE;
    let next = current.clone().with_new_key(KeyAlgorithm::Es256, start(), begins).unwrap();
    let follows = |next: &KeyDocument, current: &KeyDocument| next.follows(current, start(), &lifetimes());
    assert_eq!(follows(&next, &current).unwrap().1, begins);
    assert_eq!(follows(&current, &current), Err(NotASuccessor::NothingNew));

    // Somebody dropped a key meanwhile: the ring that was prepared before would bring it back.
    let dropped = current.clone().without(&["a".to_owned()]);
    assert_eq!(follows(&next, &dropped), Err(NotASuccessor::Outdated("a".to_owned())));
    // It would take away a key that is in use.
    let lacking = next.clone().without(&["b".to_owned()]);
    assert_eq!(follows(&lacking, &current), Err(NotASuccessor::Missing("b".to_owned())));
    // The same name with another key in it is another key.
    let swapped = document(TokenKind::Access, &[("x", ""), ("y", ""), ("a", ""), ("b", &nbf(-1))])
        .without(&["x".to_owned(), "y".to_owned()]);
    assert!(matches!(follows(&next, &swapped), Err(NotASuccessor::Outdated(_))));

    // A dead key may leave.
    let later = start() + SignedDuration::from_hours(24);
    let pruned = current.clone().without_dead_keys(later, &lifetimes());
    let next = pruned.with_new_key(KeyAlgorithm::Hs256, later, later + NOTICE).unwrap();
    assert_eq!(kids(&next).len(), 2);
    assert!(next.follows(&current, later, &lifetimes()).is_ok());
}
