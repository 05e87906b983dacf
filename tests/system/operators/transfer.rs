//! Import and export: in from the old CRM, and out to wherever somebody wants to go.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{fresh, nova, printed};
use crate::support::client::Client;
use crate::support::program::{command, run};
use crate::support::proxy::Proxy;
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, System};

/// A hash that nobody here knows the password of.
const HASH: &str = "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn line(name: &str) -> String {
    json!({"email": format!("{name}@example.com"), "name": name, "passwordHash": HASH}).to_string()
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|number| line(&format!("user{number}")) + "\n").collect()
}

/// Every row of users, without the order that they come in.
async fn identities(system: &System) -> BTreeSet<String> {
    system.rows.like(IDENTITY, "", "").await.iter().map(Value::to_string).collect()
}

#[tokio::test]
async fn users_of_the_old_crm_log_in_with_the_passwords_that_they_have() {
    let system = System::start().await;
    let hash = bcrypt::hash(PASSWORD, 10).unwrap();
    let digest = hash.strip_prefix("$2b$").unwrap();
    let file = ["2a", "2b", "2y"].map(|version| {
        let hash = format!("${version}${digest}");
        json!({"email": format!("User{version}@Example.com"), "name": version, "role": "admin",
               "permissions": ["notes:read"], "passwordHash": hash})
        .to_string()
    });
    let imported = nova(&system, &file.join("\r\n"), &["user", "import", "LOCAL", "-"]).await;
    insta::assert_snapshot!("user_import", printed(&imported));
    for version in ["2a", "2b", "2y"] {
        let login = system.try_login(&Client::at(2), &format!("user{version}@example.com"), PASSWORD).await;
        assert_eq!((login.status, login.text("/data/user/role")), (200, "admin".to_owned()), "{version}");
    }
}

#[tokio::test]
async fn a_bad_line_stops_nothing_and_is_named_without_what_stands_in_it() {
    let system = System::start().await;
    let long = format!("{{\"email\":\"canary@example.com\",\"name\":\"{}\"}}", "x".repeat(70_000));
    let file = [
        line("first"),
        "canary, not JSON".to_owned(),
        String::new(),
        json!({"email": "canary@example.com", "name": "x", "passwordHash": "canary-no-hash"}).to_string(),
        long,
        json!({"email": "canary", "name": "x", "passwordHash": HASH}).to_string(),
        json!({"email": "a@example.com", "name": "x", "passwordHash": HASH, "totpSecret": "CANARY"})
            .to_string(),
        line("last"),
    ];
    let words = ["user", "import", "LOCAL", "-"];
    let imported = nova(&system, &file.join("\n"), &words).await;
    assert_eq!(imported.code, Some(4), "{imported:?}");
    insta::assert_snapshot!("user_import_bad_lines", format!("{}---\n{}", imported.stdout, imported.stderr));
    let for_programs = nova(&system, &file.join("\n"), &[&words[..], &["--json"]].concat()).await;
    insta::assert_snapshot!("user_import_bad_lines_json", for_programs.stdout);
    for output in [&imported.stdout, &imported.stderr, &for_programs.stdout, &for_programs.stderr] {
        assert!(!output.to_lowercase().contains("canary") && !output.contains("CCCC"), "{output}");
    }
    assert_eq!(system.rows.like(IDENTITY, "EMAIL#", "").await.len(), 2);
}

/// An export of before addresses had to be ones that somebody can have, and their domains had one form.
#[tokio::test]
async fn an_address_of_an_older_export_that_is_refused_now_is_named_by_its_line_and_two_spellings_are_one_user()
 {
    let system = System::start().await;
    let of = |email: &str| json!({"email": email, "name": "x", "passwordHash": HASH}).to_string();
    let file = [
        of("a..b@example.com"),
        of("sara@xn--mgbh0fb.xn--mgberp4a5d4ar"),
        of("ok\u{3164}@example.com"),
        of(&format!("{}@example.com", "a".repeat(65))),
        json!({"email": "omar@example.com", "name": "Om\u{200b}ar", "passwordHash": HASH}).to_string(),
    ];
    let words = ["user", "import", "LOCAL", "-", "--parallel", "1"];
    let imported = nova(&system, &file.join("\n"), &words).await;
    assert_eq!(imported.code, Some(4), "{imported:?}");
    for named in [
        "line 1: email is not valid",
        "line 3: email is not valid",
        "line 4: email is too long",
        "line 5: name is not valid",
    ] {
        assert!(imported.stderr.contains(named), "{named} in {imported:?}");
    }
    let again = nova(&system, &of("sara@مثال.السعودية"), &[&words[..], &["--json"]].concat()).await;
    let said: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&said["created"], &said["existing"]), (&json!(0), &json!(1)), "{again:?}");
    assert_eq!(system.rows.like(IDENTITY, "EMAIL#", "").await.len(), 1);
}

/// As `docs/operators.md` has it: what is exported is imported again, and the older row is deleted by its id.
#[tokio::test]
async fn a_user_whose_domain_an_older_version_kept_as_browsers_send_it_is_moved_by_export_and_import() {
    let system = System::start().await;
    let (unicode, ascii) = ("sara@münchen.de", "sara@xn--mnchen-3ya.de");
    let older = system.user_with(unicode, PASSWORD).await;
    let mut credential = system.rows.one(IDENTITY, &format!("EMAIL#{unicode}"), "CREDENTIAL").await;
    credential["pk"] = json!({"S": format!("EMAIL#{ascii}")});
    system.rows.put(IDENTITY, &credential).await;
    system.rows.delete(IDENTITY, &format!("EMAIL#{unicode}"), "CREDENTIAL").await;
    system.rows.set(IDENTITY, &format!("USER#{}", older.id), "PROFILE", "email", json!({"S": ascii})).await;
    let login = system.try_login(&Client::at(2), ascii, PASSWORD).await;
    login.expect(401, "INVALID_CREDENTIALS");

    let exported = printed(&nova(&system, "", &["user", "export", "LOCAL", "-"]).await);
    assert!(exported.contains("@xn--"), "{exported}");
    printed(&nova(&system, &exported, &["user", "import", "LOCAL", "-"]).await);
    printed(&nova(&system, "", &["user", "delete", "LOCAL", &older.id, "--yes"]).await);
    for email in [unicode, ascii] {
        let login = system.try_login(&Client::at(2), email, PASSWORD).await;
        assert_eq!((login.status, login.text("/data/user/email")), (200, unicode.to_owned()), "{email}");
    }
    assert_eq!(system.rows.like(IDENTITY, "", "PROFILE").await.len(), 1);
    assert_eq!(system.rows.like(IDENTITY, "EMAIL#", "").await.len(), 1);
}

#[tokio::test]
async fn a_second_import_changes_nothing_and_a_trial_does_nothing() {
    let system = System::start().await;
    let sara = system.user("user7").await;
    let before = identities(&system).await;
    let words = ["user", "import", "LOCAL", "-", "--json"];
    let trial = nova(&system, &lines(0..60), &[&words[..], &["--dry-run"]].concat()).await;
    let said: Value = serde_json::from_str(&trial.stdout).unwrap();
    assert_eq!(said, json!({"created": 59, "existing": 1, "refused": 0, "dryRun": true}));
    assert_eq!(identities(&system).await, before);

    let first = nova(&system, &lines(0..60), &words).await;
    let said: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(said, json!({"created": 59, "existing": 1, "refused": 0, "dryRun": false}));
    let after = identities(&system).await;
    let second = nova(&system, &lines(0..61), &words).await;
    let said: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(said, json!({"created": 1, "existing": 60, "refused": 0, "dryRun": false}));
    assert!(identities(&system).await.is_superset(&after), "somebody was changed");
    system.login(&Client::at(2), &sara).await;
    assert!(system.rows.like(SESSIONS, "USER#", "").await.len() == 1);
}

/// Batches are on their way side by side: without the reader's eye on it, one of two is as likely to be the first.
#[tokio::test]
async fn of_two_lines_with_one_address_the_first_counts_always_and_the_other_is_named() {
    let system = System::start().await;
    let user = |spelling: &str, number: u32, name: &str| {
        json!({"email": format!("{spelling}{number}@example.com"), "name": name, "passwordHash": HASH})
            .to_string()
            + "\n"
    };
    // In one batch, in the next one, and far away.
    let mut file = user("near", 0, "first") + &user("Near", 0, "second");
    file.extend((0..100).map(|number| user("far", number, "first")));
    file.extend((0..100).map(|number| user("FAR", number, "second")));
    let words = ["user", "import", "LOCAL", "-", "--parallel", "8"];
    let trial = nova(&system, &file, &[&words[..], &["--dry-run"]].concat()).await;
    assert!(system.rows.like(IDENTITY, "", "").await.is_empty());
    let imported = nova(&system, &file, &words).await;
    assert_eq!((trial.code, imported.code), (Some(4), Some(4)));
    assert_eq!(trial.stderr, imported.stderr);
    assert_eq!(trial.stdout.replace("would create", "created"), imported.stdout);
    assert!(imported.stdout.starts_with("created 101, unchanged 0,"), "{imported:?}");
    let named: Vec<_> = imported.stderr.lines().collect();
    assert_eq!(named[0], "line 2: duplicate of line 1, which is used");
    assert_eq!(named[1], "line 103: duplicate of line 3, which is used");
    assert_eq!(
        (named[100], named[101]),
        ("line 202: duplicate of line 102, which is used", "error: 101 lines skipped")
    );
    let names: BTreeSet<_> = system
        .rows
        .like(IDENTITY, "USER#", "PROFILE")
        .await
        .iter()
        .map(|row| row["name"]["S"].to_string())
        .collect();
    assert_eq!(names, ["\"first\"".to_owned()].into(), "a later line won");

    // Where all of them are there already, the count is the same.
    let json = [&words[..], &["--json"]].concat();
    let again = nova(&system, &file, &json).await;
    let trial = nova(&system, &file, &[&json[..], &["--dry-run"]].concat()).await;
    let last = |said: &str| serde_json::from_str::<Value>(said.lines().last().unwrap()).unwrap();
    assert_eq!(last(&again.stdout), json!({"created": 0, "existing": 101, "refused": 101, "dryRun": false}));
    assert_eq!(last(&trial.stdout), json!({"created": 0, "existing": 101, "refused": 101, "dryRun": true}));
    let first = again.stdout.lines().next().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(first).unwrap(),
        json!({"line": 2, "reason": "duplicate of line 1, which is used"})
    );
}

/// bcrypt's base64 ends in bits that say nothing. Some libraries have set them, and ours refuses such a hash.
#[tokio::test]
async fn a_hash_with_bits_that_say_nothing_is_imported_and_logs_in() {
    let system = System::start().await;
    let good = bcrypt::hash(PASSWORD, 10).unwrap();
    let odd = |at: usize| {
        let next = char::from(good.as_bytes()[at] + 1).to_string();
        let mut odd = good.clone();
        odd.replace_range(at..=at, &next);
        odd
    };
    let user = |name: &str, hash: &str| {
        json!({"email": format!("{name}@example.com"), "name": name, "passwordHash": hash}).to_string() + "\n"
    };
    let (salt, digest) = (odd(28), odd(59));
    let file = user("salt", &salt) + &user("digest", &digest) + &user("plus", &good.replace("$10$", "$+4$"));
    let imported = nova(&system, &file, &["user", "import", "LOCAL", "-"]).await;
    assert_eq!(imported.code, Some(4), "{imported:?}");
    assert!(
        imported.stdout.starts_with("created 2,") && imported.stderr.contains("line 3: passwordHash is not")
    );
    // As an earlier version imported them, too.
    let sara = system.user("sara").await;
    system.rows.set(IDENTITY, "EMAIL#sara@", "CREDENTIAL", "passwordHash", json!({"S": salt})).await;
    for email in ["salt@example.com", "digest@example.com", &sara.email] {
        let client = Client::at(2);
        system.try_login(&client, email, "Wrong-horse-9!").await.expect(401, "INVALID_CREDENTIALS");
        assert_eq!(system.try_login(&client, email, PASSWORD).await.status, 200, "{email}");
    }
}

#[tokio::test]
async fn whoever_can_be_made_is_exported_and_imported_with_all_that_they_may() {
    let (here, there) = (System::start().await, System::start().await);
    let permission = |number: usize| format!("{number:0>64}:{}", "a".repeat(64));
    let create = async |email: &str, count: usize| {
        let permissions: Vec<_> =
            (0..count).map(|number| format!("--permission={}", permission(number))).collect();
        let name = "\u{10348}".repeat(200);
        let words = ["user", "create", "LOCAL", "--email", email, "--name", &name, "--bcrypt-cost", "10"];
        nova(
            &here,
            PASSWORD,
            &[&words[..], &permissions.iter().map(String::as_str).collect::<Vec<_>>()].concat(),
        )
        .await
    };
    let too_many = create("omar@example.com", 201).await;
    assert_eq!((too_many.code, too_many.complaint()), (Some(1), "error: a user has at most 200 permissions"));
    assert!(here.rows.like(IDENTITY, "", "").await.is_empty());
    printed(&create("sara@example.com", 199).await);
    let grant = async |number| {
        nova(&here, "", &["user", "grant", "LOCAL", "sara@example.com", &permission(number)]).await
    };
    printed(&grant(199).await);
    let one_more = grant(200).await;
    assert_eq!((one_more.code, one_more.complaint()), (Some(1), "error: a user has at most 200 permissions"));
    // Said again, it is done already.
    printed(&grant(199).await);

    let files = [fresh("full-here.jsonl"), fresh("full-there.jsonl")];
    let names = files.each_ref().map(|file| file.to_str().unwrap());
    printed(&nova(&here, "", &["user", "export", "LOCAL", names[0]]).await);
    printed(&nova(&there, "", &["user", "import", "LOCAL", names[0]]).await);
    printed(&nova(&there, "", &["user", "export", "LOCAL", names[1]]).await);
    let [first, second] = files.each_ref().map(|file| fs::read_to_string(file).unwrap());
    assert!(first.len() > 16 * 1024 && first == second);

    // Whom an older version let have more is left out, and named.
    let row = here.rows.one(IDENTITY, "USER#", "PROFILE").await;
    let (mut full, id) = (row.clone(), row["userId"]["S"].as_str().unwrap());
    full["permissions"]["SS"].as_array_mut().unwrap().push(json!(permission(200)));
    here.rows.put(IDENTITY, &full).await;
    let exported = nova(&here, "", &["user", "export", "LOCAL", "-"]).await;
    assert_eq!((exported.code, exported.stdout.as_str()), (Some(4), ""));
    let complaint = format!(
        "user {id}: an import would refuse them: permissions has more than 200 entries\nerror: 1 user skipped\n"
    );
    assert_eq!(exported.stderr, complaint);
}

/// Two profiles name one address: no command of ours makes them, but a restored table may hold them.
#[tokio::test]
async fn a_profile_whose_address_is_another_users_is_left_out_of_an_export_named_and_deleted_alone() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    system.user("omar").await;
    let orphans = ["01000000-0000-7000-8000-000000000001", "0f000000-0000-7000-8000-000000000002"];
    let whole = system.rows.one(IDENTITY, &format!("USER#{}", sara.id), "PROFILE").await;
    for id in orphans {
        let mut row = whole.clone();
        (row["pk"], row["userId"]) = (json!({"S": format!("USER#{id}")}), json!({"S": id}));
        system.rows.put(IDENTITY, &row).await;
    }
    let mut row = whole.clone();
    let unknown = "0e000000-0000-7000-8000-000000000003";
    (row["pk"], row["epoch"]) = (json!({"S": format!("USER#{unknown}")}), json!({"S": "not a number"}));
    system.rows.put(IDENTITY, &row).await;
    system.try_login(&client, &sara.email, "Wrong-horse-9!").await.expect(401, "INVALID_CREDENTIALS");

    let export = async || {
        let exported = nova(&system, "", &["user", "export", "LOCAL", "-"]).await;
        let emails: BTreeSet<_> = exported
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["email"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(emails, ["sara@example.com".to_owned(), "omar@example.com".to_owned()].into());
        exported
    };
    let exported = export().await;
    assert_eq!(exported.code, Some(4), "{exported:?}");
    for id in orphans {
        let named =
            format!("user {id}: their address belongs to user {}; `nova user delete {id}` removes", sara.id);
        assert!(exported.stderr.contains(&named), "{named} in {exported:?}");
    }
    let named = format!("user {unknown}: row not readable by this version");
    assert!(exported.stderr.contains(&named) && exported.stderr.ends_with("error: 3 users skipped\n"));
    let listed = nova(&system, "", &["user", "list", "LOCAL"]).await;
    assert!(listed.code == Some(4) && listed.stderr.contains(&named), "{listed:?}");
    system.rows.delete(IDENTITY, &format!("USER#{unknown}"), "PROFILE").await;

    for id in orphans {
        printed(&nova(&system, "", &["user", "delete", "LOCAL", id, "--yes"]).await);
        assert!(system.rows.like(IDENTITY, &format!("USER#{id}"), "").await.is_empty());
    }
    printed(&export().await);
    // Nothing of the other's went with them: neither the address nor what is counted on it.
    assert_eq!(system.rows.like(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await.len(), 1);
    system.login(&client, &sara).await;
}

#[tokio::test]
async fn what_is_exported_and_imported_elsewhere_is_exported_as_the_same() {
    let (here, there) = (System::start().await, System::start().await);
    for (name, words) in
        [("sara", &["role", "admin"][..]), ("omar", &["disable"]), ("zoe", &["grant", "a:b", "c:d"])]
    {
        let user = here.user(name).await;
        let (verb, rest) = words.split_first().unwrap();
        printed(&nova(&here, "", &[&["user", verb, "LOCAL", &user.email], rest].concat()).await);
    }
    nova(&here, &lines(0..250), &["user", "import", "LOCAL", "-"]).await;
    let files = [fresh("here.jsonl"), fresh("there.jsonl")];
    let names = files.each_ref().map(|file| file.to_str().unwrap());
    let exported = nova(&here, "", &["user", "export", "LOCAL", names[0]]).await;
    assert!(printed(&exported).contains("exported 253 users"), "{exported:?}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&files[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "others can read the hashes");
    }
    let over = nova(&here, "", &["user", "export", "LOCAL", names[0]]).await;
    assert!(over.code == Some(1) && over.complaint().ends_with("exists; not overwritten"), "{over:?}");

    printed(&nova(&there, "", &["user", "import", "LOCAL", names[0]]).await);
    printed(&nova(&there, "", &["user", "export", "LOCAL", names[1]]).await);
    let [first, second] = files.each_ref().map(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    });
    assert_eq!((first.len(), &first), (253, &second));
    there.try_login(&Client::at(2), "omar@example.com", PASSWORD).await.expect(403, "ACCOUNT_INACTIVE");
    assert_eq!(there.try_login(&Client::at(2), "sara@example.com", PASSWORD).await.status, 200);
    let streamed = nova(&here, "", &["user", "export", "LOCAL", "-"]).await;
    assert_eq!(streamed.stdout.lines().map(str::to_owned).collect::<BTreeSet<_>>(), first);
}

#[tokio::test]
async fn a_throttled_import_tries_again_and_one_that_was_done_without_an_answer_counts_once() {
    let system = System::start().await;
    let proxy = Proxy::start().await;
    proxy.forward_to(system.stack.dynamodb_url());
    let local = format!("--local={}", proxy.url());
    let import = async |numbers: std::ops::Range<u32>, more: &[&str]| {
        let words = [&["user", "import", &local, "-", "--json", "--parallel", "1"], more].concat();
        let ended = run(command("nova", &words), &lines(numbers)).await;
        (ended.code, serde_json::from_str::<Value>(&ended.stdout).unwrap()["created"].clone(), ended.stderr)
    };
    // More often than the SDK tries again by itself.
    proxy.throttle("TransactWriteItems", 4);
    proxy.throttle("BatchGetItem", 4);
    assert_eq!(import(0..30, &[]).await, (Some(0), json!(30), String::new()));
    proxy.lose_answers("TransactWriteItems", 4);
    assert_eq!(
        import(30..60, &[]).await,
        (Some(0), json!(30), String::new()),
        "they were made, and not found"
    );
    assert_eq!(system.rows.like(IDENTITY, "EMAIL#", "").await.len(), 60);
    assert_eq!(system.rows.like(IDENTITY, "EVENT#", "EVENT#").await.len(), 60);

    // There is an end to patience, and it is said how far it went.
    proxy.throttle("TransactWriteItems", 1000);
    let (code, created, complaint) = import(60..90, &["--retries", "1"]).await;
    assert_eq!((code, created), (Some(1), json!(0)));
    assert!(complaint.contains("ThrottlingException") && complaint.contains("Run it again"), "{complaint}");
}

#[tokio::test]
async fn who_registers_during_an_import_keeps_the_address_or_finds_it_taken() {
    let system = System::start_in(&[("REGISTRATION", "open"), ("API_RATE_LIMIT", "0")]).await;
    let file = lines(0..20);
    let words = ["user", "import", "LOCAL", "-", "--json", "--parallel", "4"];
    let register = async {
        let mut registered = 0;
        for number in 0..20 {
            let body =
                json!({"name": "R", "email": format!("user{number}@example.com"), "password": PASSWORD});
            // An address that finds too much taken is locked out: another client each time.
            let answer = Client::at(10 + number).post(&system.auth("register"), &body).await;
            assert!([201, 409].contains(&answer.status), "{}", answer.body);
            registered += u64::from(answer.status == 201);
        }
        registered
    };
    let (imported, registered) = tokio::join!(nova(&system, &file, &words), register);
    let said: Value = serde_json::from_str(&imported.stdout).unwrap();
    assert_eq!(said["created"].as_u64().unwrap() + registered, 20, "{said} and {registered}");
    // Every address has one user, and every user one address.
    let credentials = system.rows.like(IDENTITY, "EMAIL#", "").await;
    let profiles = system.rows.like(IDENTITY, "USER#", "PROFILE").await;
    assert_eq!((credentials.len(), profiles.len()), (20, 20));
    for credential in credentials {
        let profile = profiles.iter().find(|profile| profile["userId"] == credential["userId"]).unwrap();
        let address = credential["pk"]["S"].as_str().unwrap().strip_prefix("EMAIL#").unwrap();
        assert_eq!(profile["email"]["S"], address);
        let is_imported = credential["passwordHash"]["S"] == HASH;
        assert_eq!(
            profile["name"]["S"] == "R",
            !is_imported,
            "the name of one and the password of the other"
        );
    }
}

#[tokio::test]
async fn a_reader_that_has_read_enough_is_no_failure() {
    let system = System::start().await;
    nova(&system, &lines(0..400), &["user", "import", "LOCAL", "-"]).await;
    for words in [&["user", "list"][..], &["user", "list", "--json"], &["user", "export", "-"]] {
        let local = format!("--local={}", system.stack.dynamodb_url());
        let mut child = command("nova", &[words, &[&local]].concat()).stdin(Stdio::null()).spawn().unwrap();
        // Before it can have written anything.
        drop(child.stdout.take());
        let ended = child.wait_with_output().await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""), "{words:?}");
    }
}
