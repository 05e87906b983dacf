//! The page of `nova local`: a file on its way, by a browser's own form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::files::{document, eicar, picture};
use super::world::{DOCX, PNG, World};
use crate::support::chromium::Chromium;
use crate::support::engine;
use crate::support::stack::PASSWORD;

/// Chooses a file, as a person would by hand.
async fn choose(chromium: &Chromium, purpose: &str, kind: &str, file: &[u8]) {
    let encoded = STANDARD.encode(file);
    let script = format!(
        "const bytes = Uint8Array.from(atob('{encoded}'), (c) => c.charCodeAt(0)); const chosen = new DataTransfer();
         chosen.items.add(new File([bytes], 'a file', {{ type: '{kind}' }}));
         document.getElementById('file').files = chosen.files; document.getElementById('purpose').value = '{purpose}';"
    );
    chromium.run(&script).await;
    chromium.click("#upload-form [type=submit]").await;
}

#[tokio::test]
async fn the_page_shows_the_way_of_a_file_and_why_one_is_refused_in_both_languages() {
    if engine::is_amazons() {
        return;
    }
    let Some(chromium) = Chromium::start().await else { return };
    let world = World::with_page().await;
    chromium.load(world.system.stack.url()).await;
    chromium.type_into("#email", &world.sara.email).await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.click("#sign-in [type=submit]").await;
    chromium.see("#upload-form").await;
    choose(&chromium, "avatar", PNG, &picture(b"a")).await;
    chromium.see_text("upload-steps", "Both checks accepted it.").await;
    choose(&chromium, "document", DOCX, &document(&[("word/vbaProject.bin", b"x")])).await;
    chromium.see_text("upload-steps", "The document contains macros.").await;
    choose(&chromium, "document", "text/html", b"<html>").await;
    chromium.see_text("upload-steps", "Files of this type are not allowed here.").await;
    chromium.click("[data-language=ar]").await;
    chromium.see("#upload-form").await;
    choose(&chromium, "avatar", PNG, &picture(&eicar())).await;
    chromium.see_text("upload-steps", "عُثر على برمجيات خبيثة في الملف").await;
    chromium.close().await;
}
