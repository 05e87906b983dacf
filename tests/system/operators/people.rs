//! Users and their sessions.

use serde_json::{Value, json};

use super::{nova, printed};
use crate::support::client::Client;
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, Pair, System};

#[tokio::test]
async fn users_are_listed_in_a_table_for_people_and_line_by_line_for_programs() {
    let system = System::start().await;
    system.user("sara").await;
    let create =
        ["user", "create", "LOCAL", "--email", "omar@example.com", "--name", "عمر", "--role", "admin"];
    printed(&nova(&system, PASSWORD, &[&create[..], &["--bcrypt-cost", "10"]].concat()).await);
    let mut table: Vec<String> =
        printed(&nova(&system, "", &["user", "list", "LOCAL"]).await).lines().map(str::to_owned).collect();
    table[1..].sort();
    insta::assert_snapshot!("user_list", table.join("\n"));
    let admins = printed(&nova(&system, "", &["user", "list", "LOCAL", "--json", "--role", "admin"]).await);
    insta::assert_snapshot!("user_list_json", admins);
    for (filter, expected) in [
        (&["--status", "active"][..], 2),
        (&["--status", "disabled"], 0),
        (&["--limit", "1"], 1),
        (&["--role", "admin", "--status", "active"], 1),
    ] {
        let listed = nova(&system, "", &[&["user", "list", "LOCAL", "--json"], filter].concat()).await;
        assert_eq!(listed.stdout.lines().count(), expected, "{filter:?}: {listed:?}");
    }
}

#[tokio::test]
async fn a_name_with_joiners_and_a_domain_in_unicode_are_shown_as_people_write_them() {
    let system = System::start().await;
    let create = ["user", "create", "LOCAL", "--bcrypt-cost", "10", "--name", "علی\u{200c}رضا", "--email"];
    printed(&nova(&system, PASSWORD, &[&create[..], &["ali@xn--mgbh0fb.xn--mgberp4a5d4ar"]].concat()).await);
    let listed = printed(&nova(&system, "", &["user", "list", "LOCAL"]).await);
    let shown = printed(&nova(&system, "", &["user", "show", "LOCAL", "ali@مثال.السعودية"]).await);
    for output in [listed, shown] {
        assert!(output.contains("علی\u{200c}رضا") && output.contains("ali@مثال.السعودية"), "{output}");
    }
}

#[tokio::test]
async fn a_user_is_shown_with_sessions_failures_and_the_security_log() {
    let system = System::start().await;
    let sara = system.user_who_may("sara", &["notes:read"]).await;
    system.login(&Client::at(2), &sara).await;
    system.try_login(&Client::at(2), &sara.email, "wrong").await;
    let by_email = nova(&system, "", &["user", "show", "LOCAL", "Sara@Example.com"]).await;
    insta::assert_snapshot!("user_show", printed(&by_email));
    let by_id = nova(&system, "", &["user", "show", "LOCAL", &sara.id, "--json", "--events", "1"]).await;
    let shown: Value = serde_json::from_str(&by_id.stdout).unwrap();
    assert_eq!(shown["failedLogins"]["counted"], 1);
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(shown["events"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["events"][0]["event"], "authn_login_fail");
    for output in [&by_email.stdout, &by_id.stdout] {
        assert!(!output.contains("$2"), "a hash: {output}");
    }
}

/// SES drops what is sent to such an address, and tells nobody: without this an operator looks for the mail elsewhere.
#[tokio::test]
async fn an_address_that_mail_does_not_reach_is_shown_with_what_frees_it() {
    let system = System::start_with_mail().await;
    let sara = system.user("sara").await;
    let words = ["user", "show", "LOCAL", &sara.email];
    let before = printed(&nova(&system, "", &words).await);
    assert!(before.contains("mail           not suppressed by Amazon SES\n"), "{before}");

    let (client, list) =
        (Client::at(2), format!("{}/v2/email/suppression/addresses", system.stack.services_url()));
    let entry = json!({"EmailAddress": "SARA@example.com", "Reason": "BOUNCE"});
    assert_eq!(client.send(client.request("PUT", &list).json(&entry)).await.status, 200);
    let shown = printed(&nova(&system, "", &words).await);
    let suppressed = "mail           suppressed by Amazon SES since 2026-01-01T00:00:00Z (bounce): none arrives\n               \
                      -> aws sesv2 delete-suppressed-destination --email-address sara@example.com\n";
    assert!(shown.contains(suppressed), "{shown}");
    let shown = nova(&system, "", &[&words[..], &["--json"]].concat()).await;
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&shown["mail"]["suppressed"], &shown["mail"]["reason"]), (&json!(true), &json!("bounce")));

    let of_sara = format!("{list}/sara%40example.com");
    assert_eq!(client.send(client.request("DELETE", &of_sara)).await.status, 200);
    assert_eq!(printed(&nova(&system, "", &words).await), before);
}

#[tokio::test]
async fn a_locked_address_is_unlocked_by_naming_it() {
    let system = System::start().await;
    let (sara, omar) = (system.user("sara").await, system.user("omar").await);
    for _ in 0..5 {
        system.try_login(&Client::at(2), &sara.email, "wrong").await;
    }
    system.rows.age_attempts("127.0.0.2").await;
    system.try_login(&Client::at(2), &omar.email, PASSWORD).await.expect(429, "AUTH_RATE_LIMITED");
    let unlocked = nova(&system, "", &["user", "unlock", "LOCAL", "--address", "127.0.0.2"]).await;
    assert_eq!(printed(&unlocked), "unlocked 127.0.0.2\n");
    system.login(&Client::at(2), &omar).await;
    for wrong in [&["--address", "localhost"][..], &[], &["sara@example.com", "--address", "127.0.0.2"]] {
        let refused = nova(&system, "", &[&["user", "unlock", "LOCAL"], wrong].concat()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
}

#[tokio::test]
async fn what_a_client_calls_itself_cannot_write_on_the_operators_terminal() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    system.login(&Client::at(2), &sara).await;
    let session = system.rows.one(SESSIONS, &format!("USER#{}", sara.id), "SESSION#").await;
    let mut row = session.clone();
    row["device"]["M"]["userAgent"] = json!({"S": "\u{1b}[2Jgone\u{202e}"});
    system.rows.put(SESSIONS, &row).await;
    let listed = nova(&system, "", &["session", "list", "LOCAL", &sara.email]).await;
    assert!(listed.stdout.contains("\u{fffd}[2Jgone\u{fffd}"), "{listed:?}");
    assert!(!listed.stdout.contains(['\u{1b}', '\u{202e}']), "{listed:?}");
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_sessions_from_before_stay_ended() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let disabled = printed(&nova(&system, "", &["user", "disable", "LOCAL", &sara.email]).await);
    assert_eq!(system.whoami(&client, &pair.access).await.status, 401);
    system.try_login(&client, &sara.email, PASSWORD).await.expect(403, "ACCOUNT_INACTIVE");
    let enabled = printed(&nova(&system, "", &["user", "enable", "LOCAL", &sara.email]).await);
    system.assert_dead(&client, &pair).await;
    system.login(&client, &sara).await;
    insta::assert_snapshot!("user_disable_enable", disabled + &enabled);
}

#[tokio::test]
async fn roles_and_permissions_count_on_the_next_call_and_sessions_go_on_unless_they_are_to_end() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let mut said = String::new();
    for words in [
        &["role", "LOCAL", &sara.email, "admin"][..],
        &["grant", "LOCAL", &sara.email, "notes:read", "notes:write"],
        &["grant", "LOCAL", &sara.email, "notes:read"],
        &["revoke", "LOCAL", &sara.email, "notes:write", "--json"],
        &["revoke", "LOCAL", &sara.email, "notes:read"],
    ] {
        said += &printed(&nova(&system, "", &[&["user"], words].concat()).await);
    }
    insta::assert_snapshot!("user_access", said);
    assert_eq!(system.whoami(&client, &pair.access).await.text("/data/role"), "admin");
    let ends = ["user", "role", "LOCAL", &sara.email, "user", "--end-sessions"];
    assert!(printed(&nova(&system, "", &ends).await).contains("every session has ended"));
    system.assert_dead(&client, &pair).await;
    for wrong in [&["grant", "LOCAL", &sara.email, "Notes"][..], &["grant", "LOCAL", &sara.email]] {
        assert_eq!(nova(&system, "", &[&["user"], wrong].concat()).await.code, Some(2));
    }
}

#[tokio::test]
async fn a_password_that_an_operator_sets_ends_every_session_and_is_the_only_one() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let words = ["user", "password", "LOCAL", &sara.email, "--bcrypt-cost", "10"];
    let refused = nova(&system, "short\n", &words).await;
    assert!(refused.code == Some(1) && refused.complaint().contains("at least 8 characters"), "{refused:?}");
    assert_eq!(nova(&system, "", &words).await.complaint(), "error: no password on standard input");
    system.assert_lets_in(&client, &pair.access, &sara).await;
    let set = nova(&system, "An0ther-good-1!\n", &words).await;
    insta::assert_snapshot!("user_password", printed(&set));
    system.assert_dead(&client, &pair).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    assert_eq!(system.try_login(&client, &sara.email, "An0ther-good-1!").await.status, 200);
}

#[tokio::test]
async fn a_user_with_another_address_is_who_they_were_and_logs_in_with_it() {
    let system = System::start().await;
    let (sara, omar, client) = (system.user("sara").await, system.user("omar").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let new = "sara.haddad@example.com";
    let words =
        ["user", "edit", "LOCAL", &sara.email, "--email", "Sara.Haddad@Example.com", "--name", "Sara Haddad"];
    let mut said = printed(&nova(&system, "", &words).await);
    system.assert_dead(&client, &pair).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    let login = system.try_login(&client, new, PASSWORD).await;
    assert_eq!(
        (login.text("/data/user/id"), login.text("/data/user/name")),
        (sara.id.clone(), "Sara Haddad".to_owned())
    );

    // Said again, as after an answer that was lost, by the old address, by the new one or by the id: nothing is done twice.
    // The failure of nobody's login is over when it is written, and may go at any time.
    let lasting = async || {
        let mut rows = system.rows.like(IDENTITY, "", "").await;
        rows.retain(|row| row["event"]["S"] != "authn_login_fail");
        rows
    };
    let before = lasting().await;
    let [_, _, _, _, edit @ ..] = &words;
    for name in [&sara.email, new, &sara.id] {
        said += &printed(&nova(&system, "", &[&["user", "edit", "LOCAL", name], &edit[..]].concat()).await);
    }
    assert_eq!(lasting().await, before);
    let access = Pair::of(&login).access;
    assert_eq!(system.whoami(&client, &access).await.status, 200);

    // Another name alone ends nothing.
    said += &printed(&nova(&system, "", &["user", "edit", "LOCAL", new, "--name", "Sara", "--json"]).await);
    assert_eq!(system.whoami(&client, &access).await.status, 200);
    insta::assert_snapshot!("user_edit", said);

    let taken = nova(&system, "", &["user", "edit", "LOCAL", new, "--email", "OMAR@example.com"]).await;
    assert_eq!((taken.code, taken.complaint()), (Some(1), "error: The email is already in use."));
    // Nobody who never had that address is taken for its user.
    let unknown = nova(&system, "", &["user", "edit", "LOCAL", "x@example.com", "--email", new]).await;
    assert_eq!((unknown.code, unknown.complaint()), (Some(3), "error: no user x@example.com"));
    let odd = nova(&system, "", &["user", "edit", "LOCAL", new, "--email", "sara"]).await;
    assert_eq!((odd.code, odd.complaint()), (Some(1), "error: email: The value is not valid."));
    assert_eq!(nova(&system, "", &["user", "edit", "LOCAL", new]).await.code, Some(2));
    system.login(&client, &omar).await;
}

#[tokio::test]
async fn an_unlocked_user_may_try_again_at_once() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for address in 2..=6 {
        system.try_login(&Client::at(address), &sara.email, "wrong").await;
    }
    let client = Client::at(9);
    system.try_login(&client, &sara.email, PASSWORD).await.expect(429, "LOGIN_LOCKED");
    insta::assert_snapshot!(
        "user_unlock",
        printed(&nova(&system, "", &["user", "unlock", "LOCAL", &sara.email]).await)
    );
    assert_eq!(system.try_login(&client, &sara.email, PASSWORD).await.status, 200);
    assert!(system.rows.like(SESSIONS, "ATTEMPTS#ACCOUNT#", "").await.is_empty());
}

#[tokio::test]
async fn nobody_is_deleted_unless_it_is_said_twice_and_then_nothing_of_them_lets_anybody_in() {
    let system = System::start().await;
    let (sara, omar, client) = (system.user("sara").await, system.user("omar").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    system.try_login(&client, &sara.email, "wrong").await;
    let words = ["user", "delete", "LOCAL", &sara.email];
    let unsure = nova(&system, "", &words).await;
    assert_eq!((unsure.code, unsure.complaint()), (Some(2), "error: not a terminal; pass --yes to confirm"));
    system.assert_lets_in(&client, &pair.access, &sara).await;

    let deleted = nova(&system, "", &[&words[..], &["--yes"]].concat()).await;
    insta::assert_snapshot!("user_delete", printed(&deleted));
    system.whoami(&client, &pair.access).await.expect(401, "UNAUTHORIZED");
    system.refresh(&client, &pair.refresh).await.expect(401, "USER_INACTIVE");
    let user = format!("USER#{}", sara.id);
    assert!(system.rows.like(SESSIONS, &user, "").await.is_empty());
    assert!(system.rows.like(SESSIONS, "ATTEMPTS#ACCOUNT#", "").await.is_empty());
    assert!(system.rows.like(IDENTITY, &user, "PROFILE").await.is_empty());
    assert_eq!(system.rows.like(IDENTITY, "EMAIL#", "").await.len(), 1, "and nobody else's");
    let log = system.rows.like(IDENTITY, &format!("EVENT#{}", sara.id), "EVENT#").await;
    assert!(log.iter().any(|entry| entry["event"]["S"] == "user_deleted"), "{log:?}");

    let again = nova(&system, "", &[&words[..], &["--yes"]].concat()).await;
    assert_eq!(again.code, Some(3), "{again:?}");
    // What is left goes by the id, also later.
    let rest = nova(&system, "", &["user", "delete", "LOCAL", &sara.id, "--yes", "--with-log"]).await;
    assert_eq!(rest.code, Some(0), "{rest:?}");
    assert!(system.rows.like(IDENTITY, &user, "").await.is_empty());
    system.login(&client, &omar).await;
}

#[tokio::test]
async fn an_operator_sees_the_sessions_of_a_user_and_ends_one_or_all_of_them() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let (one, other) = (Client::at(2), Client::at(3));
    let pairs = [system.login(&one, &sara).await, system.login(&other, &sara).await];
    let listed = nova(&system, "", &["session", "list", "LOCAL", &sara.email, "--json"]).await;
    // An object a line, as every list.
    let sessions: Vec<Value> =
        listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = |ip: &str| {
        let session = sessions.iter().find(|session| session["ip"] == ip);
        session.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let words = ["session", "revoke", "LOCAL", &sara.email, &at("127.0.0.2")];
    let ended = printed(&nova(&system, "", &words).await);
    system.assert_dead(&one, &pairs[0]).await;
    system.assert_lets_in(&other, &pairs[1].access, &sara).await;
    let table = printed(&nova(&system, "", &["session", "list", "LOCAL", &sara.email]).await);
    let again = nova(&system, "", &words).await;
    assert_eq!(again.code, Some(3), "{again:?}");
    let all = printed(&nova(&system, "", &["session", "revoke", "LOCAL", &sara.email, "--all"]).await);
    system.assert_dead(&other, &pairs[1]).await;
    let none = printed(&nova(&system, "", &["session", "list", "LOCAL", &sara.email]).await);
    insta::assert_snapshot!("sessions", [ended, table, all, none].concat());
    let which = nova(&system, "", &["session", "revoke", "LOCAL", &sara.email]).await;
    assert!(which.code == Some(2) && which.stderr.contains("<USER> <SESSION|--all>"), "{which:?}");
    let both = nova(&system, "", &[&words[..], &["--all"]].concat()).await;
    assert_eq!(both.code, Some(2), "{both:?}");
}

#[tokio::test]
async fn who_is_not_there_has_an_exit_code_of_their_own_for_every_verb() {
    let system = System::start().await;
    let gone = "nobody@example.com";
    for words in [
        &["user", "show", "LOCAL", gone][..],
        &["user", "disable", "LOCAL", gone],
        &["user", "enable", "LOCAL", gone],
        &["user", "edit", "LOCAL", gone, "--name", "Sara"],
        &["user", "edit", "LOCAL", gone, "--email", "sara@example.com"],
        &["user", "role", "LOCAL", gone, "admin"],
        &["user", "grant", "LOCAL", gone, "a:b"],
        &["user", "revoke", "LOCAL", gone, "a:b"],
        &["user", "password", "LOCAL", gone],
        &["user", "unlock", "LOCAL", gone],
        &["user", "delete", "LOCAL", gone, "--yes"],
        &["session", "list", "LOCAL", gone],
        &["session", "revoke", "LOCAL", gone, "--all"],
    ] {
        let ended = nova(&system, PASSWORD, words).await;
        assert_eq!((ended.code, ended.complaint()), (Some(3), "error: no user nobody@example.com"));
    }
    let rules = nova(&system, "", &["rules", "show", "LOCAL", "--api", "Nothing"]).await;
    assert_eq!(rules.code, Some(3), "{rules:?}");
    let unreadable = nova(&system, "", &["user", "show", "LOCAL", "sara"]).await;
    assert_eq!(unreadable.code, Some(2), "{unreadable:?}");
}

#[tokio::test]
async fn every_change_stands_in_the_security_log_as_an_operators() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for words in [
        &["disable"][..],
        &["enable"],
        &["role", "admin"],
        &["grant", "a:b"],
        &["revoke", "a:b"],
        &["unlock"],
        &["edit", "--name", "Sara Haddad"],
    ] {
        let (verb, rest) = words.split_first().unwrap();
        let ended = nova(&system, "", &[&["user", verb, "LOCAL", &sara.email], rest].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let log = system.rows.like(IDENTITY, &format!("EVENT#{}", sara.id), "EVENT#").await;
    let updates = log.iter().filter(|entry| entry["event"]["S"] == "user_updated");
    assert_eq!(updates.filter(|entry| entry["ip"]["S"] == "operator").count(), 7, "{log:?}");
}
