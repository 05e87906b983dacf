//! Writes ceremonies with our verdict on each, for another verifier to judge (`oracle`): COUNT SEED.

mod ceremony;
mod edits;
mod key;
mod random;

use jiff::Timestamp;
use nova_auth::{
    domain::ids::UserId,
    webauthn::{Challenge, Expected, RegistrationResponse, RelyingParty, StoredPasskey},
};
use serde_json::{Value, json};

use self::{
    ceremony::{Ceremony, Kind},
    edits::{EDITS, Edit},
    key::Key,
    random::Random,
};

/// So often each edit is made alone.
const ALONE: usize = 8;

struct Judge {
    us: RelyingParty,
    key: Key,
    other: Key,
    row: StoredPasskey,
}

impl Judge {
    fn new(key: Key, other: Key) -> Self {
        let us = RelyingParty::new("example.org", "", "Example").unwrap();
        let right = Ceremony::new(Kind::Registration, &key).answer(&key, &other);
        let right: RegistrationResponse = serde_json::from_value(right).unwrap();
        let new = us.verify_registration(&challenge(), &right).unwrap();
        let row = new.stored("Phone".to_owned(), Timestamp::UNIX_EPOCH);
        Self { us, key, other, row }
    }

    fn verdict(&self, kind: Kind, answer: &Value) -> String {
        let user: UserId = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
        let judged = match kind {
            Kind::Registration => serde_json::from_value(answer.clone())
                .map(|answer| self.us.verify_registration(&challenge(), &answer).map(drop)),
            Kind::Assertion => serde_json::from_value(answer.clone()).map(|answer| {
                let expected = Expected::Discovered(user);
                self.us.verify_assertion(&challenge(), expected, &self.row, &answer).map(drop)
            }),
        };
        match judged {
            Err(_) => "unreadable".to_owned(),
            Ok(Ok(())) => "taken".to_owned(),
            Ok(Err(refused)) => refused.to_string(),
        }
    }

    /// The line of a ceremony that was edited like this.
    fn line(&self, kind: Kind, edits: &[&Edit], random: &mut Random) -> Value {
        let mut said = Ceremony::new(kind, &self.key);
        for (_, edit) in edits {
            edit(&mut said, random);
        }
        self.judged(&said, &edits.iter().map(|(name, _)| *name).collect::<Vec<_>>())
    }

    fn judged(&self, said: &Ceremony, edits: &[&str]) -> Value {
        let answer = said.answer(&self.key, &self.other);
        let kind = if said.kind == Kind::Registration { "registration" } else { "assertion" };
        let stored = json!({
            "id": self.row.credential_id, "publicKey": self.row.public_key, "counter": self.row.sign_count,
        });
        let ours = self.verdict(said.kind, &answer);
        json!({
            "kind": kind, "key": self.key.algorithm(), "edits": edits, "stored": stored, "response": answer, "ours": ours,
        })
    }
}

fn challenge() -> Challenge {
    Challenge::from_bytes([7; 32])
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|number| number.parse::<u64>().expect("a number"));
    let (count, seed) = (arguments.next().unwrap_or(10_000), arguments.next().unwrap_or(1));
    let mut random = Random(seed);
    let judges = Key::all(&mut random).map(|key| Judge::new(key, Key::es256(&mut random)));
    for judge in &judges {
        for kind in [Kind::Registration, Kind::Assertion] {
            println!("{}", judge.line(kind, &[], &mut random));
            // Every combination of flags, signed.
            for flags in 0..=255 {
                let said = Ceremony { flags, ..Ceremony::new(kind, &judge.key) };
                println!("{}", judge.judged(&said, &["flags"]));
            }
            for edit in EDITS.iter().flat_map(|edit| [edit; ALONE]) {
                println!("{}", judge.line(kind, &[edit], &mut random));
            }
        }
    }
    for _ in 0..count {
        let judge = &judges[random.below(judges.len())];
        let kind = random.one_of(&[Kind::Registration, Kind::Assertion]);
        let edits: Vec<&Edit> = (0..1 + random.below(3)).map(|_| &EDITS[random.below(EDITS.len())]).collect();
        println!("{}", judge.line(kind, &edits, &mut random));
    }
}
