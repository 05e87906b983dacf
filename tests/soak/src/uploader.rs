//! Somebody who uploads files: harmless pictures, what only claims to be one, types that nobody may upload and bytes that were changed on
//! the way; looks until it is decided, fetches what is clean, tries the files of others, and asks for more than the quota allows.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::agent::Agent;
use super::caller::{Reply, send};
use super::device::access_of;
use super::history::{Act, Answer, At, File, SECOND};
use super::plan::Dice;
use super::system::Failure;
use super::world::{Access, Phase, UPLOADS, World, made};

/// The numbers of users from here on are those of uploaders.
const UPLOADERS: u32 = 4_000_000;

/// No other client has these addresses.
const ADDRESSES: u64 = 400_000;

/// A user uploads so many, and asks for so many forms at once at the end: more than a day's quota.
const FILES: u64 = 6;
const AT_ONCE: u32 = 22;

/// So long somebody looks: an inspection that failed is tried again after a minute.
const PATIENCE: At = 45 * SECOND;

/// One user after another, until the run is over.
///
/// # Errors
/// There is no client to ask with, or no user could be made.
pub(crate) async fn uploaders(world: Arc<World>, number: u32, mut dice: Dice) -> Result<(), Failure> {
    let mut phase = world.phase.subscribe();
    for nth in 0.. {
        if !world.has_room(&mut phase).await {
            return Ok(());
        }
        let place = number * 100_000 + nth;
        let email = format!("uploader-{place}@example.com");
        let user = made(&world.system, UPLOADERS + place, &email).await?;
        world.meet(&user.id, user.number);
        let agent = Agent::new(world.clone(), user, ADDRESSES + u64::from(place))?;
        Uploader { agent, access: None, uploads: 0 }.live(&mut dice).await;
    }
    Ok(())
}

struct Uploader {
    agent: Agent,
    access: Option<Access>,
    uploads: u32,
}

/// A form that was given out.
struct Granted {
    upload: u32,
    id: String,
    reply: Reply,
}

impl Uploader {
    async fn live(&mut self, dice: &mut Dice) {
        for _ in 0..FILES {
            if *self.agent.world.phase.borrow() != Phase::Run {
                return;
            }
            let (file, pick) = (
                match dice.between(0, 8) {
                    0 => File::NotAllowed,
                    1 => File::Changed,
                    2 | 3 => File::Disguised,
                    _ => File::Picture,
                },
                dice.next(),
            );
            self.upload(file, pick).await;
        }
        self.use_up().await;
        self.log_out().await;
    }

    /// A session whose token is good for a while.
    async fn log_in(&mut self) -> Option<Access> {
        let soon = self.agent.now() + 30 * SECOND;
        if let Some(access) = self.access.clone().filter(|access| access.expires.0 > soon) {
            return Some(access);
        }
        let body = json!({"email": self.agent.user.email, "password": self.agent.user.password(0)});
        let (begin, end, reply) = self.agent.timed(self.agent.post("/api/auth/login", &body)).await;
        self.access = access_of(&reply, (begin, end));
        let gave = self.access.as_ref().map(|access| access.session.clone());
        self.agent.note((begin, end), Act::Login { password: 0, guess: false, gave }, reply.answer());
        self.access.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.agent.world.api(UPLOADS))
    }

    /// Asks for a form.
    async fn grant(&self, access: &Access, (upload, file): (u32, File), bytes: &[u8]) -> Option<Granted> {
        let declared = json!({
            "purpose": "avatar",
            "fileName": format!("{upload}.png"),
            "contentType": if file == File::NotAllowed { "image/svg+xml" } else { "image/png" },
            "size": bytes.len(),
            "sha256": STANDARD.encode(Sha256::digest(bytes)),
        });
        let before = today();
        let request = self.agent.http.post(self.url("/uploads")).bearer_auth(&access.token).json(&declared);
        let (begin, end, reply) = self.agent.timed(request).await;
        let act = Act::Grant { upload, file, day: Some(before).filter(|day| *day == today()) };
        self.agent.note_with((begin, end), access, act, reply.answer());
        let id = reply.text("/data/uploadId").to_owned();
        (!id.is_empty()).then_some(Granted { upload, id, reply })
    }

    async fn upload(&mut self, file: File, pick: u64) -> Option<()> {
        let access = self.log_in().await?;
        self.uploads += 1;
        let upload = self.uploads;
        let bytes = contents(file, self.agent.user.number, upload);
        let granted = self.grant(&access, (upload, file), &bytes).await?;
        self.agent.world.show_upload(self.agent.user.number, &granted.id);
        // Content is asked for before it is there, too.
        if pick.is_multiple_of(3) {
            self.fetch(&access, file, &granted, &bytes).await;
        }
        let mut sent = bytes.clone();
        if let (File::Changed, Some(last)) = (file, sent.last_mut()) {
            *last ^= 1;
        }
        // The same form again makes another version, which is nobody's file.
        let copies = if pick.is_multiple_of(2) { 2 } else { 1 };
        join_all((0..copies).map(|_| self.send(file, &granted, &sent))).await;
        if file != File::Changed {
            self.look_on(file, &granted).await;
        }
        let access = self.log_in().await?;
        self.fetch(&access, file, &granted, &bytes).await;
        self.peek(&access, pick).await;
        Some(())
    }

    /// Sends the file with its form, as a browser does; again, if nobody says yes or no.
    async fn send(&self, file: File, granted: &Granted, bytes: &[u8]) {
        for _ in 0..4 {
            let fields = granted.reply.body.pointer("/data/fields").and_then(Value::as_object);
            let form = fields.into_iter().flatten().fold(Form::new(), |form, (name, value)| {
                form.text(name.clone(), value.as_str().unwrap_or_default().to_owned())
            });
            let form = form.part("file", Part::bytes(bytes.to_vec()).file_name("a.png"));
            let request = self.agent.http.post(granted.reply.text("/data/url")).multipart(form);
            let (begin, end, reply) = self.agent.timed(request).await;
            let answer = reply.answer();
            self.agent.note((begin, end), Act::Send { upload: granted.upload, file }, answer.clone());
            if !matches!(answer, Answer::Broken(_)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Looks until it is decided.
    async fn look_on(&mut self, file: File, granted: &Granted) {
        let begun = self.agent.now();
        while self.agent.now() < begun + PATIENCE && *self.agent.world.phase.borrow() == Phase::Run {
            let Some(access) = self.log_in().await else { return };
            let url = self.url(&format!("/uploads/{}", granted.id));
            let (begin, end, reply) =
                self.agent.timed(self.agent.http.get(url).bearer_auth(&access.token)).await;
            let (state, answer) = (reply.text("/data/state").to_owned(), reply.answer());
            let reason = Some(reply.text("/data/reasons/0/code").to_owned()).filter(|code| !code.is_empty());
            let act = Act::Look { upload: granted.upload, file, state: state.clone(), reason };
            self.agent.note_with((begin, end), &access, act, answer.clone());
            if ["clean", "refused", "expired"].contains(&state.as_str()) || matches!(answer, Answer::No(_)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Asks for the file, and holds it against what was sent.
    async fn fetch(&self, access: &Access, file: File, granted: &Granted, sent: &[u8]) {
        let url = self.url(&format!("/uploads/{}/content?redirect=no", granted.id));
        let (begin, end, reply) = self.agent.timed(self.agent.http.get(url).bearer_auth(&access.token)).await;
        let link = reply.text("/data/url");
        let same = if link.is_empty() { None } else { self.is_same(link, sent).await };
        let act = Act::Content { upload: granted.upload, file, same };
        self.agent.note_with((begin, end), access, act, reply.answer());
    }

    /// `None`: nobody answered.
    async fn is_same(&self, link: &str, sent: &[u8]) -> Option<bool> {
        let answer = self.agent.http.get(link).send().await.ok()?;
        let is_there = answer.status().is_success();
        let is_broken = answer.status().is_server_error();
        let bytes = answer.bytes().await.ok()?;
        (!is_broken).then_some(is_there && bytes == sent)
    }

    async fn peek(&self, access: &Access, pick: u64) {
        let Some(id) = self.agent.world.upload_of_another(self.agent.user.number) else { return };
        let more = if pick.is_multiple_of(2) { "/content?redirect=no" } else { "" };
        let url = self.url(&format!("/uploads/{id}{more}"));
        let (begin, end, reply) = self.agent.timed(self.agent.http.get(url).bearer_auth(&access.token)).await;
        self.agent.note_with((begin, end), access, Act::Peek, reply.answer());
    }

    /// Asks for more forms at once than there are places.
    async fn use_up(&mut self) {
        let Some(access) = self.log_in().await else { return };
        let (first, file) = (self.uploads + 1, File::Picture);
        self.uploads += AT_ONCE;
        let bytes = contents(file, self.agent.user.number, first);
        join_all((0..AT_ONCE).map(|nth| self.grant(&access, (first + nth, file), &bytes))).await;
    }

    /// After that, nothing is shown any more.
    async fn log_out(&mut self) {
        let Some(access) = self.access.take() else { return };
        let request = self.agent.post("/api/auth/logout", &json!({})).bearer_auth(&access.token);
        let (begin, end, reply) = self.agent.timed(request).await;
        self.agent.note_with((begin, end), &access, Act::Logout, reply.answer());
        let url = self.url("/uploads/0190163d-8694-739b-aea5-966c26f8ad90");
        let begin = self.agent.now();
        let reply = send(self.agent.http.get(url).bearer_auth(&access.token)).await;
        self.agent.note_with((begin, self.agent.now()), &access, Act::Peek, reply.answer());
    }
}

/// The day of a quota.
fn today() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a quota is of the day on which it is used")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    now / 86_400
}

/// A picture of one pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The bytes of a file, which no other upload has.
fn contents(file: File, user: u32, upload: u32) -> Vec<u8> {
    let text = format!("{user}-{upload}");
    if file == File::Disguised {
        return format!("%PDF-1.7\n% {text}\n").into_bytes();
    }
    let pixel = STANDARD.decode(PIXEL).unwrap_or_default();
    // Behind the first chunk, another one with a comment.
    let (head, rest) = pixel.split_at(33.min(pixel.len()));
    let chunk = [b"tEXtComment\0", text.as_bytes()].concat();
    let length = u32::try_from(chunk.len()).unwrap_or_default().saturating_sub(4).to_be_bytes();
    [head, &length, &chunk, &crc32(&chunk).to_be_bytes(), rest].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
