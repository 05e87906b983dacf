//! From a form to a clean file, or to a refusal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nova_auth_uploads::rules::file;
use serde_json::json;

use super::files::{PIXEL, document, eicar, picture};
use super::world::{DOCX, PNG, World, beside};
use crate::support::client::Client;
use crate::support::engine;

/// Streams are read from the database in this process.
fn is_elsewhere() -> bool {
    engine::is_amazons()
}

#[tokio::test]
async fn an_honest_file_becomes_clean_and_is_read_under_its_name_by_its_owner_alone() {
    if is_elsewhere() {
        return;
    }
    let world = World::new().await;
    for (purpose, kind, file) in [("avatar", PNG, picture(b"a note")), ("document", DOCX, document(&[]))] {
        let id = world.send(purpose, kind, &file).await;
        let shown = world.judged(&id).await;
        assert_eq!(shown.text("/data/state"), "clean", "{} {:?}", shown.body, world.system.stack.logs());
        let link = world.content(&id, &world.pair.access).await;
        assert_eq!((link.status, link.header("cache-control")), (302, "no-store"));
        let read = reqwest::get(link.header("location")).await.unwrap();
        assert_eq!((read.status().as_u16(), read.headers()["content-type"].to_str().unwrap()), (200, kind));
        let asked = world.url(&format!("/uploads/{id}/content?redirect=no"));
        let asked = world.client.get(&asked, Some(&world.pair.access)).await;
        asked.expect_status(200);
        assert_eq!(asked.body["data"]["expiresIn"], 60);
        assert_eq!(reqwest::get(asked.text("/data/url")).await.unwrap().bytes().await.unwrap(), file);
        let named = "attachment; filename*=UTF-8''%D8%AA%D9%82%D8%B1%D9%8A%D8%B1%202026";
        assert_eq!(read.headers()["content-disposition"], named);
        assert_eq!(read.bytes().await.unwrap(), file);
        // Somebody else, who may upload too.
        let other = world.system.user_who_may(&format!("omar{purpose}"), &["uploads:write"]).await;
        let other = world.system.login(&Client::at(3), &other).await;
        world.content(&id, &other.access).await.expect(404, "UPLOAD_NOT_FOUND");
    }
    // A session that was revoked gets no link, although the file is clean.
    let id = world.send("avatar", PNG, &picture(b"last")).await;
    world.judged(&id).await;
    world.system.logout(&world.client, Some(&world.pair.access), &json!({})).await;
    world.content(&id, &world.pair.access).await.expect(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_file_that_is_not_what_it_claims_to_be_is_refused_with_its_reason_in_both_languages() {
    if is_elsewhere() {
        return;
    }
    let world = World::new().await;
    let polyglot = [picture(b"a").as_slice(), b"<script>x()</script>"].concat();
    for (purpose, kind, file, reason) in [
        ("document", DOCX, document(&[("word/vbaProject.bin", b"x")]), "MACROS"),
        ("avatar", PNG, polyglot, "POLYGLOT"),
        ("avatar", PNG, document(&[]), "TYPE_MISMATCH"),
        ("avatar", PNG, picture(b"a")[..60].to_vec(), "UNREADABLE"),
        ("avatar", PNG, picture(&eicar()), "MALWARE"),
    ] {
        let id = world.send(purpose, kind, &file).await;
        let shown = world.judged(&id).await;
        let told = (shown.text("/data/state"), shown.text("/data/reasons/0/code"));
        assert_eq!(told, ("refused".to_owned(), reason.to_owned()), "{}", shown.body);
        assert!(shown.text("/data/reasons/0/message").is_ascii());
        let arabic = world.show(&id, "ar").await.text("/data/reasons/0/message");
        assert!(!arabic.is_empty() && !arabic.is_ascii(), "{arabic}");
        let content = world.content(&id, &world.pair.access).await;
        assert_eq!((content.status, content.code().as_str()), (410, "UPLOAD_REFUSED"));
        assert_eq!(content.text("/reasons/0/code"), reason);
    }
    // Nothing of it went anywhere else, and no name of a file is in any log.
    assert!(!world.system.stop().await.contains("تقرير"));
}

#[tokio::test]
async fn a_picture_that_says_more_than_it_shows_is_refused_where_its_purpose_wants_none_of_that() {
    if is_elsewhere() {
        return;
    }
    let world = World::new().await;
    let rules =
        beside("uploads.yaml").replacen("  up-to: 2 MiB\n", "  up-to: 2 MiB\n  metadata: refuse\n", 1);
    world.store().put_rules("default", &file::read(&rules).unwrap(), &rules).await.unwrap();
    let plain = world.send("avatar", PNG, &STANDARD.decode(PIXEL).unwrap()).await;
    assert_eq!(world.judged(&plain).await.text("/data/state"), "clean");
    let id = world.send("avatar", PNG, &picture(b"taken in Cairo")).await;
    let shown = world.judged(&id).await;
    let told = (shown.text("/data/state"), shown.text("/data/reasons/0/code"));
    assert_eq!(told, ("refused".to_owned(), "METADATA".to_owned()), "{}", shown.body);
}

/// The same bytes again are another version, which is nobody's file.
#[tokio::test]
async fn a_form_that_is_used_twice_makes_one_clean_file() {
    if is_elsewhere() {
        return;
    }
    let world = World::new().await;
    let file = picture(b"twice");
    let granted = world.ask(&super::files::declared("avatar", PNG, &file)).await;
    for name in ["a.png", "../../b.html", "c\u{202e}gnp.exe"] {
        assert_eq!(super::world::post(&granted, &file, name).await, 201);
    }
    let id = granted.text("/data/uploadId");
    assert_eq!(world.judged(&id).await.text("/data/state"), "clean");
    let mut other = file.clone();
    other[60] ^= 1;
    assert_eq!(super::world::post(&granted, &other, "a.png").await, 400);
    let link = world.content(&id, &world.pair.access).await;
    assert_eq!(reqwest::get(link.header("location")).await.unwrap().bytes().await.unwrap(), file);
}
