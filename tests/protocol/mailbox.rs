//! Somebody's mailbox: what asks for mail, and what its reader finds in it, as the sender makes it.

use nova_auth::{
    domain::{
        address::ClientAddress,
        email::Email,
        mail::{MailCode, MailDigest, MailKey, MailKind, MailToken},
        moment::{Moment, RequestId},
        password::Password,
    },
    flows::{
        FlowError, Requester,
        mail::{
            recover::{Forgotten, recover},
            redeem::Proof,
            reset::{Reset, reset as set},
        },
    },
};

use nova_auth::store::Credential;

use super::world::{ADDRESS, World, device, time};

/// What stands in a mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) token: MailToken,
    pub(super) code: MailCode,
}

impl Read {
    pub(super) fn link(&self) -> Proof {
        Proof::Link(self.token)
    }

    pub(super) fn code(&self, email: &Email) -> Proof {
        Proof::Code(email.clone(), self.code)
    }

    pub(super) fn wrong_code(&self, email: &Email) -> Proof {
        let digits: u32 = self.code.expose().parse().unwrap();
        let wrong = format!("{:08}", (digits + 1) % 100_000_000);
        Proof::Code(email.clone(), MailCode::parse(&wrong).unwrap())
    }
}

pub(super) fn named(second: i64, request: &str) -> Moment {
    Moment { now: time(second), request: RequestId::new(request) }
}

pub(super) async fn forgets(world: &World, second: i64, email: &Email) -> Result<(), FlowError> {
    forgets_from(world, second, email, ADDRESS).await
}

pub(super) async fn forgets_from(
    world: &World,
    second: i64,
    email: &Email,
    address: &str,
) -> Result<(), FlowError> {
    forgets_at(world, &world.at(second), email, address).await
}

pub(super) async fn forgets_at(
    world: &World,
    moment: &Moment,
    email: &Email,
    address: &str,
) -> Result<(), FlowError> {
    let caller = Requester { address: ClientAddress::parse(address), device: device(), language: "en" };
    recover(&world.recovery, moment, Forgotten { email: email.clone(), caller }).await
}

pub(super) async fn newest(world: &World, email: &Email, kind: MailKind) -> MailKey {
    world.service.store.newest_mails(&MailDigest::of(email), kind).await.unwrap().remove(0).0
}

/// Sends the newest reset as the sender does, and reads it.
pub(super) async fn reads(world: &World, second: i64, email: &Email) -> Read {
    reads_of(world, second, email, MailKind::Reset).await
}

/// Sends the newest mail of a kind as the sender does, and reads it.
pub(super) async fn reads_of(world: &World, second: i64, email: &Email, kind: MailKind) -> Read {
    let (store, links, now) = (&world.service.store, &world.redemption.links, time(second));
    let key = newest(world, email, kind).await;
    let row = store.mail(&key).await.unwrap().unwrap();
    let credential = store.credential(email).await.unwrap();
    let bound = row.bound(kind, credential.as_ref().map(Credential::bound)).unwrap();
    let user = row.user_id.or(credential.filter(|_| kind == MailKind::Reset).map(|found| found.user_id));
    let prepared = links.prepare(user, bound, now).await.unwrap();
    let mail = store.lease_mail(&key, &prepared, now).await.unwrap().unwrap();
    let token = links.token(&key, &mail, &prepared, now).await.unwrap().unwrap();
    let code = links.code(&key, &mail, &prepared, now).await.unwrap().unwrap();
    store.mark_mail_sent(&key, now).await.unwrap();
    Read { token, code }
}

pub(super) async fn reset(world: &World, second: i64, proof: Proof, new: &str) -> Result<(), FlowError> {
    reset_from(world, second, proof, new, ADDRESS).await
}

pub(super) async fn reset_from(
    world: &World,
    second: i64,
    proof: Proof,
    new: &str,
    address: &str,
) -> Result<(), FlowError> {
    let caller = Requester { address: ClientAddress::parse(address), device: device(), language: "en" };
    let wanted = Reset { proof, new: Password::new(new.to_owned()), caller };
    set(&world.redemption, &world.at(second), &wanted).await
}
