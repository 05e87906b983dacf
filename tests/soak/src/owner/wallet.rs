//! What an owner of factors can show, and the numbers by which the history names it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::super::history::Proof;
use super::super::phone::Phone;

/// The seconds of a step.
const STEP: u64 = 30;

/// An authenticator app.
struct App {
    number: u32,
    totp: Totp,
    /// The last step whose code it showed.
    last: u64,
}

#[derive(Default)]
pub(super) struct Wallet {
    apps: Vec<App>,
    phones: Vec<(u32, Phone)>,
    /// Recovery codes: their set, their place in it, and the code.
    codes: Vec<(u32, u32, String)>,
    /// Numbers that were given out.
    factors: u32,
    sets: u32,
    ceremonies: u32,
}

/// A kind of thing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Recovery,
    Passkey,
}

impl Wallet {
    pub(super) fn new_factor(&mut self) -> u32 {
        self.factors += 1;
        self.factors
    }

    pub(super) fn new_set(&mut self) -> u32 {
        self.sets += 1;
        self.sets
    }

    pub(super) fn new_ceremony(&mut self) -> u32 {
        self.ceremonies += 1;
        self.ceremonies
    }

    pub(super) fn is_empty(&self) -> bool {
        self.apps.is_empty() && self.phones.is_empty()
    }

    pub(super) fn apps(&self) -> usize {
        self.apps.len()
    }

    pub(super) fn phones(&self) -> usize {
        self.phones.len()
    }

    /// Scans the secret of an app.
    pub(super) fn scan(&mut self, number: u32, secret: &str) {
        if let Ok(secret) = Secret::try_from_base32(secret) {
            // What the service makes by default: six digits of SHA-1, every 30 seconds.
            let totp = Builder::new().with_secret(secret).build_noncompliant();
            self.apps.push(App { number, totp, last: 0 });
        }
    }

    pub(super) fn keep_phone(&mut self, number: u32, phone: Phone) {
        self.phones.push((number, phone));
    }

    /// The codes that came with an answer, which take the place of those before.
    pub(super) fn keep_codes(&mut self, set: u32, reply: &Value) {
        let codes = reply.pointer("/data/recoveryCodes").and_then(Value::as_array);
        let codes: Vec<_> = codes.into_iter().flatten().filter_map(Value::as_str).collect();
        if !codes.is_empty() {
            self.codes = (0..).zip(codes).map(|(nth, code)| (set, nth, code.to_owned())).collect();
        }
    }

    pub(super) fn forget(&mut self, number: u32) {
        self.apps.retain(|app| app.number != number);
        self.phones.retain(|(other, _)| *other != number);
    }

    pub(super) fn forget_all(&mut self) {
        self.apps.clear();
        self.phones.clear();
        self.codes.clear();
    }

    /// Only these are there.
    pub(super) fn keep_only(&mut self, numbers: &[u32]) {
        self.apps.retain(|app| numbers.contains(&app.number));
        self.phones.retain(|(number, _)| numbers.contains(number));
    }

    /// The kinds of things that can be shown now, beginning with the one of this number.
    pub(super) fn kinds(&self, pick: u64) -> Vec<Kind> {
        let mut kinds = Vec::new();
        if self.apps.iter().any(|app| next_step(app.last).is_some()) {
            kinds.push(Kind::Code);
        }
        if !self.phones.is_empty() {
            kinds.push(Kind::Passkey);
        }
        if !self.codes.is_empty() {
            kinds.push(Kind::Recovery);
        }
        let by = usize::try_from(pick % 3).unwrap_or_default() % kinds.len().max(1);
        kinds.rotate_left(by);
        kinds
    }

    /// A code of the app of this number, or of any.
    pub(super) fn code(&mut self, number: Option<u32>) -> Option<(Proof, Value)> {
        let mut apps = self.apps.iter_mut().filter(|app| number.is_none_or(|number| number == app.number));
        apps.find_map(|app| {
            let step = next_step(app.last)?;
            app.last = step;
            let code = app.totp.generate(step * STEP).to_string();
            Some((Proof::Code { factor: app.number, step }, json!({"code": code})))
        })
    }

    /// A recovery code, which is crossed out.
    pub(super) fn recovery(&mut self) -> Option<(Proof, Value)> {
        let (codes, nth, code) = self.codes.pop()?;
        Some((Proof::Recovery { codes, nth }, json!({"recoveryCode": code})))
    }

    /// What a passkey answers to these options, for somebody in front of any of them.
    pub(super) fn passkey(&mut self, options: &Value, pick: u64) -> Option<(Proof, Value)> {
        let ceremony = self.new_ceremony();
        let index = usize::try_from(pick % 7).unwrap_or_default() % self.phones.len().max(1);
        let (factor, phone) = self.phones.get_mut(index)?;
        let answer = phone.show(options);
        let proof = Proof::Passkey { factor: *factor, ceremony, count: phone.count };
        Some((proof, json!({"passkey": answer})))
    }
}

/// The next step whose code counts now: of this half minute or, as on a phone whose clock is fast, of the next.
fn next_step(last: u64) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a code is of the moment in which it is shown")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since: Duration| since.as_secs());
    let now = now / STEP;
    Some(now.max(last + 1)).filter(|step| *step <= now + 1)
}
