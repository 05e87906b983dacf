//! A form of the grant against S3 as s3s has it: what was granted gets in, and nothing else.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use nova_auth_uploads::form::{Granted, Signer};
use nova_auth_uploads::key::quarantine_key;
use nova_auth_uploads::kind::Kind;
use nova_auth_uploads::wanted::{Sha256, UploadId};
use nova_objects::{Bucket, Created};
use reqwest::multipart::{Form, Part};
use sha2::Digest as _;

const FILE: &[u8] = b"\x89PNG and so on";

struct World {
    url: String,
    created: Arc<Mutex<Vec<Created>>>,
    _directory: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "s3s looks at the machine's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let bucket =
        |name: &str| Bucket { name: name.to_owned(), is_versioned: true, tells: name == "quarantine" };
    let buckets = vec![bucket("quarantine"), bucket("other")];
    let time = Arc::new(|| u64::try_from(now().as_millisecond()).unwrap());
    let files = nova_objects::open(directory.path().to_owned(), buckets, time).unwrap();
    let created = Arc::new(Mutex::new(Vec::new()));
    let told = created.clone();
    let router = nova_objects::router(files, Arc::new(move |one| told.lock().unwrap().push(one.clone())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    World { url, created, _directory: directory }
}

fn signer() -> Signer {
    Signer {
        region: "us-east-1".to_owned(),
        access_key_id: "UploadGrant".to_owned(),
        secret_access_key: nova_objects::SECRET.into(),
        session_token: Some("local".into()),
    }
}

fn fields(at: Timestamp) -> Vec<(&'static str, String)> {
    let sha256 = Sha256::of_digest(&sha2::Sha256::digest(FILE).into());
    let granted = Granted {
        bucket: "quarantine",
        user: "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap(),
        id: UploadId::new(at, &[7; 10]),
        kind: Kind::Png,
        size: FILE.len() as u64,
        sha256: &sha256,
    };
    assert!(quarantine_key(granted.user, granted.id).starts_with("in/"));
    signer().form(&granted, at).unwrap()
}

impl World {
    async fn send(&self, bucket: &str, fields: &[(&'static str, String)], file: &[u8]) -> (u16, String) {
        let form = fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, value.clone()));
        let file = Part::bytes(file.to_vec()).file_name("../\u{202e}evil.exe");
        let sent = reqwest::Client::new()
            .post(format!("{}/{bucket}", self.url))
            .header("origin", "http://127.0.0.1:3000")
            .multipart(form.part("file", file));
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn what_was_granted_gets_in_under_its_key_and_as_a_version() {
    let world = world().await;
    let fields = fields(now());
    for _ in 0..2 {
        assert_eq!(world.send("quarantine", &fields, FILE).await.0, 201);
    }
    let created = world.created.lock().unwrap().clone();
    assert_eq!((created[0].key.as_str(), created[0].size), (fields[0].1.as_str(), FILE.len() as u64));
    assert_eq!(created[0].reason, "POST Object");
    // The same bytes again are another version, and the first one stays what it is.
    assert!(created[0].version.is_some() && created[0].version != created[1].version);
    let link = |key: &str| signer().link(&format!("{}/quarantine/{key}", world.url), now()).unwrap();
    let read = reqwest::get(link(&created[0].key)).await.unwrap();
    assert_eq!(read.status(), 200);
    assert_eq!(read.bytes().await.unwrap(), FILE);
    assert_eq!(reqwest::get(link("in/other")).await.unwrap().status(), 404);
    let unsigned = reqwest::get(format!("{}/quarantine/{}", world.url, created[0].key)).await.unwrap();
    assert_eq!(unsigned.status(), 403);
    let changed = link(&created[0].key).replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    assert_eq!(reqwest::get(changed).await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_form_with_any_field_changed_is_refused() {
    let world = world().await;
    let granted = fields(now());
    for place in 0..granted.len() {
        let (name, value) = &granted[place];
        let others = match *name {
            "Content-Type" => vec!["text/html".to_owned(), "image/png; x=1".to_owned()],
            "key" => vec![format!("{value}0"), "in/${filename}".to_owned(), "clean/a".to_owned()],
            "success_action_status" => vec!["200".to_owned()],
            "x-amz-server-side-encryption" => vec!["aws:kms".to_owned()],
            "x-amz-checksum-sha256" => vec![Sha256::of_digest(&[0; 32]).as_str().to_owned()],
            "x-amz-checksum-algorithm" => vec!["CRC32".to_owned()],
            _ => vec![format!("{value}0")],
        };
        for other in others {
            let mut changed = granted.clone();
            changed[place].1 = other.clone();
            let (status, body) = world.send("quarantine", &changed, FILE).await;
            // What can't even be read is refused as such.
            let is_read = !["policy", "x-amz-credential", "x-amz-date", "x-amz-algorithm"].contains(name);
            let refused = if is_read { status == 403 } else { (400..600).contains(&status) };
            assert!(refused, "{name}={other}: {status} {body}");
        }
        let mut without = granted.clone();
        without.remove(place);
        let (status, body) = world.send("quarantine", &without, FILE).await;
        assert!((400..600).contains(&status), "without {name}: {status} {body}");
    }
    for more in [
        ("acl", "public-read"),
        ("x-amz-meta-a", "b"),
        ("Cache-Control", "public"),
        ("x-amz-website-redirect-location", "/a"),
    ] {
        let mut with = granted.clone();
        with.insert(0, (more.0, more.1.to_owned()));
        assert_eq!(world.send("quarantine", &with, FILE).await.0, 403, "{more:?}");
    }
    assert_eq!(world.send("other", &granted, FILE).await.0, 403, "another bucket");
    assert!(world.created.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_longer_shorter_or_another_one_is_refused() {
    let world = world().await;
    let granted = fields(now());
    let mut other = FILE.to_vec();
    other[9] ^= 1;
    for (file, code) in [
        (&FILE[1..], "EntityTooSmall"),
        (&[FILE, b"0"].concat(), "EntityTooLarge"),
        (&other, "BadDigest"),
        (b"", "EntityTooSmall"),
    ] {
        let (status, body) = world.send("quarantine", &granted, file).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains(code), "{body}");
    }
    assert!(world.created.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_form_is_good_for_two_minutes() {
    let world = world().await;
    let late = fields(now() - SignedDuration::from_secs(121));
    assert_eq!(world.send("quarantine", &late, FILE).await.0, 403);
    let in_time = fields(now() - SignedDuration::from_secs(110));
    assert_eq!(world.send("quarantine", &in_time, FILE).await.0, 201);
}
