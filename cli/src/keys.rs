//! `nova keys …`: the rings of keys that tokens and the links in mail are made with.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use nova_auth::app::start_time;
use nova_auth::flows::add_key::add_factor_key;
use nova_auth::flows::drop_keys::{Dropped, drop_keys};
use nova_auth::keys::{Key, KeyAlgorithm, KeyDocument, Ring, TokenKind, VersionedSecret};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::failure::told;
use crate::output::Output;
use crate::place::Target;
use crate::place::rings::RINGS;

/// How often, and how many times, it is looked whether a rotation has come to its end: two minutes.
const LOOKS: (Duration, usize) = (Duration::from_millis(500), 240);

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List the keys of every ring: metadata only, never key material.
    #[command(after_help = "Example:\n  nova keys list --stack nova-auth")]
    List(ListArgs),
    /// Rotate the keys now. Nobody is logged out, unless --drop names a key.
    #[command(
        after_help = "Examples:\n  nova keys rotate --local                  every ring but factor; the new keys sign in an hour (RS256: three)\n  nova keys rotate --local factor           a new key for second factors; no key leaves, and no factor is lost\n  nova keys rotate --local --drop access-1  the key is compromised: remove it at once"
    )]
    Rotate(RotateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    /// The ring to rotate [default: every ring with a schedule, which is every ring but factor].
    #[arg(value_parser = a_ring(), conflicts_with = "drop")]
    ring: Option<TokenKind>,
    /// Remove this compromised key at once; every token that it signed becomes invalid. Can be repeated: anyone who could
    /// read a secret has all of its keys.
    #[arg(long, value_name = "KID")]
    drop: Vec<String>,
    /// With --drop: drop a key of second factors even if users' factors need it. They can't log in until `nova factor
    /// reset`.
    #[arg(long, requires = "drop")]
    lose_factors: bool,
    /// With --drop: algorithm of the replacement key [default: the dropped key's].
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm, requires = "drop")]
    algorithm: Option<KeyAlgorithm>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

/// The name of a ring.
fn a_ring() -> impl TypedValueParser<Value = TokenKind> {
    PossibleValuesParser::new(RINGS.iter().map(|ring| ring.kind.name()))
        .try_map(|name| TokenKind::named(&name).ok_or("no such ring"))
}

fn algorithm(text: &str) -> Result<KeyAlgorithm, &'static str> {
    KeyAlgorithm::named(text).ok_or("one of HS256, ES256, EdDSA, RS256")
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    match &verb {
        Verb::List(args) => list(args).await.map_err(|error| args.target.explain(error)),
        Verb::Rotate(args) => {
            let done = match args.ring {
                _ if !args.drop.is_empty() => emergency(args).await,
                Some(TokenKind::Factor) => add_to_factors(args).await,
                _ => rotate(args).await,
            };
            done.map_err(|error| args.target.explain(error))
        }
    }
}

async fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let (mut page, mut all) = (String::new(), Vec::new());
    for (kind, secret) in args.target.secrets().await? {
        writeln!(page, "{} ({})", kind.name(), secret.id())?;
        let (ring, versions) = (ring(&secret, kind).await?, secret.versions().await?);
        for (key, does) in described(&ring) {
            writeln!(page, "  {:<26} {:<6} {does}", key.kid, key.algorithm.name())?;
            all.push(json!({
                "ring": kind.name(), "secret": secret.id(), "pending": versions.pending(), "kid": key.kid, "alg": key.algorithm.name(), "notBefore": key.not_before, "expires": key.expires,
                "does": does,
            }));
        }
        if let Some(pending) = versions.pending() {
            writeln!(page, "  rotation in progress: version {pending}")?;
        }
    }
    args.output.print_list(all, &page)
}

async fn rotate(args: &RotateArgs) -> Result<(), Box<dyn Error>> {
    let mut rings = args.target.secrets().await?;
    // What is sealed with a key of theirs lives as long as its factor: rotate-keys leaves them alone (see `add_to_factors`).
    rings.retain(|(kind, _)| *kind != TokenKind::Factor);
    if let Some(chosen) = args.ring {
        rings.retain(|(kind, _)| *kind == chosen);
        if rings.is_empty() {
            return Err(format!("this system has no {} keys", chosen.name()).into());
        }
    }
    for (kind, secret) in rings {
        let version = secret.rotate().await.map_err(|error| {
            let line = format!(
                "{}: {error}. An unfinished rotation blocks the next one. Secrets Manager is retrying it \
                 now, and it will finish or be given up: see `nova keys list` and the log of rotate-keys",
                kind.name()
            );
            told(line, error)
        })?;
        finished(&secret, &version)
            .await
            .map_err(|error| told(format!("{}: {error}", kind.name()), error))?;
        let newest = ring(&secret, kind).await?;
        let newest = newest.keys().max_by_key(|key| key.not_before);
        let document = json!({
            "ring": kind.name(),
            "newKey": newest.map(|key| &key.kid),
            "signsFrom": newest.and_then(|key| key.not_before),
        });
        let newest = newest.map(describe_new).unwrap_or_default();
        let kept = match kind {
            TokenKind::Access | TokenKind::Refresh => "nobody is logged out",
            TokenKind::Link => "existing links keep working",
            TokenKind::Factor => "enrolled factors keep working",
        };
        args.output.print(&document, &format!("{}: rotated; {newest}; {kept}", kind.name()))?;
    }
    Ok(())
}

/// A new key for second factors. The others stay in the ring, and so does every factor.
async fn add_to_factors(args: &RotateArgs) -> Result<(), Box<dyn Error>> {
    let found = args.target.secrets().await?.into_iter().find(|(kind, _)| *kind == TokenKind::Factor);
    let (kind, secret) = found.ok_or("this system has no factor keys")?;
    let added = add_factor_key(&secret, start_time()).await;
    let added = added.map_err(|error| told(format!("factor: {error}"), error))?;
    let document = json!({ "ring": kind.name(), "newKey": &added.kid, "signsFrom": added.begins });
    let page = format!(
        "{}: {} seals from {}; the older keys stay, and enrolled factors keep working",
        kind.name(),
        added.kid,
        added.begins
    );
    args.output.print(&document, &page)
}

fn describe_new(key: &Key) -> String {
    let begins = key.not_before.map_or_else(|| "now".to_owned(), |begin| begin.to_string());
    format!("{} ({}) signs from {begins}", key.kid, key.algorithm.name())
}

/// Waits until the version is in force, or nobody is going to put it there any more.
async fn finished(secret: &VersionedSecret, version: &str) -> Result<(), Box<dyn Error>> {
    for _ in 0..LOOKS.1 {
        let versions = secret.versions().await?;
        if versions.current() == Some(version) {
            return Ok(());
        }
        if versions.pending() != Some(version) {
            return Err(
                "the rotation was abandoned and the ring is unchanged; see the log of rotate-keys".into()
            );
        }
        tokio::time::sleep(LOOKS.0).await;
    }
    Err("the rotation did not finish within two minutes; see the log of rotate-keys".into())
}

async fn emergency(args: &RotateArgs) -> Result<(), Box<dyn Error>> {
    let now = start_time();
    let mut left = args.drop.clone();
    let mut found = Vec::new();
    for (kind, secret) in args.target.secrets().await? {
        let ring = ring(&secret, kind).await?;
        let dropped: Vec<_> = ring.keys().filter(|key| args.drop.contains(&key.kid)).collect();
        if let Some(first) = dropped.first() {
            let algorithm = args.algorithm.unwrap_or(first.algorithm);
            let kids: Vec<_> = dropped.iter().map(|key| key.kid.clone()).collect();
            left.retain(|kid| !kids.contains(kid));
            found.push((kind, secret, kids, algorithm));
        }
    }
    // A typing error is found before anything is changed.
    if let Some(unknown) = left.first() {
        return Err(format!("no ring has a key {unknown}; see `nova keys list`").into());
    }
    for (kind, secret, kids, _) in &found {
        if *kind == TokenKind::Factor && !args.lose_factors {
            needed_by_nobody(args, secret, kids, now).await?;
        }
    }
    for (kind, secret, kids, algorithm) in found {
        let done = drop_keys(&secret, kind, &kids, algorithm, now).await?;
        tell_of_dropped(args, (&secret, kind), &kids, &done).await?;
    }
    if args.output.json {
        return Ok(());
    }
    args.output.print(&(), UNTIL_THEY_READ_AGAIN)
}

/// What those who drop a key in an emergency have to know about the processes that run.
const UNTIL_THEY_READ_AGAIN: &str = "  Running functions take the dropped key for up to 30 seconds more (45 minutes if Secrets Manager \
     fails), and \
     sign with it: such a\n  token is refused as soon as they have read the new ring. To end that now, change \
     anything in their configuration, which\n  replaces their processes: `aws lambda \
     update-function-configuration --function-name … --description …` for every function\n  but register and \
     rotate-keys.";

/// Says what became of a ring: what was dropped, what signs now, and what is left that was in the same secret.
async fn tell_of_dropped(
    args: &RotateArgs,
    (secret, kind): (&VersionedSecret, TokenKind),
    kids: &[String],
    done: &Dropped,
) -> Result<(), Box<dyn Error>> {
    let mut page = format!("{}: {} dropped", kind.name(), kids.join(", "));
    match &done.new_key {
        Some(new) => writeln!(page, "; {new} signs from now on")?,
        None => writeln!(page)?,
    }
    if done.rotation_given_up {
        writeln!(page, "  A rotation was in progress and has been abandoned; start it again.")?;
    }
    writeln!(page, "  {}", consequences(kind))?;
    let ring = ring(secret, kind).await?;
    let is_old = |kid: &String| done.new_key.as_ref() != Some(kid);
    let left: Vec<_> = ring.keys().map(|key| key.kid.clone()).filter(is_old).collect();
    if !left.is_empty() {
        let names = left.join(", ");
        writeln!(
            page,
            "  Still in the ring: {names}. Anyone who could read the secret has them too: drop them as \
             well."
        )?;
    }
    let document = json!({
        "ring": kind.name(), "dropped": kids, "newKey": done.new_key, "left": left,
        "rotationGivenUp": done.rotation_given_up,
    });
    args.output.print(&document, &page)
}

/// Makes sure that no factor is lost with these keys: nobody seals with them any more, and nothing is sealed with them.
async fn needed_by_nobody(
    args: &RotateArgs,
    secret: &VersionedSecret,
    kids: &[String],
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    const OTHERWISE: &str =
        "--lose-factors drops it anyway; `nova factor reset` then lets those users enrol again";
    let keys = document(secret, TokenKind::Factor).await?;
    if let Some(busy) = kids.iter().find(|kid| !keys.is_idle(kid, now)) {
        return Err(format!(
            "{busy} may still seal second factors: run `nova keys rotate factor`, and drop this one after \
             at least two hours; {OTHERWISE}"
        )
        .into());
    }
    let store = args.target.store().await?;
    let (mut users, mut from) = (BTreeSet::new(), None);
    loop {
        let (found, next) = store.users_of_factor_keys(kids, from).await?;
        users.extend(found);
        match next {
            Some(next) => from = Some(next),
            None if users.is_empty() => return Ok(()),
            None => break,
        }
    }
    let first: Vec<_> = users.iter().take(5).map(String::as_str).collect();
    let more = if users.len() > first.len() { ", …" } else { "" };
    Err(format!(
        "{} still need {}: {}{more}. An app is sealed anew when its user next logs in with it, recovery codes when they are \
         renewed; {OTHERWISE}",
        if users.len() == 1 { "the second factors of 1 user".to_owned() } else { format!("the second factors of {} users", users.len()) },
        kids.join(", "),
        first.join(", ")
    )
    .into())
}

fn consequences(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => {
            "Logged out: nobody. Access tokens that the key signed are refused, and their clients refresh. \
             Services that verify tokens with the public key set may keep the key for 5 minutes longer \
             than the functions, HTTP APIs with a JWT authorizer for two hours, REST APIs with one for an \
             hour."
        }
        TokenKind::Refresh => {
            "Logged out: everybody whose refresh token the key signed; they log in again when their access \
             token expires."
        }
        TokenKind::Link => {
            "Logged out: nobody. Links in mail that the key made no longer work; users can request another \
             mail."
        }
        TokenKind::Factor => {
            "Logged out: nobody. Authenticator apps and recovery codes that the key sealed no longer work: \
             their users can't log in until `nova factor reset` lets them enrol again."
        }
    }
}

async fn ring(secret: &VersionedSecret, kind: TokenKind) -> Result<Ring, Box<dyn Error>> {
    Ok(document(secret, kind).await?.ring()?)
}

async fn document(secret: &VersionedSecret, kind: TokenKind) -> Result<KeyDocument, Box<dyn Error>> {
    let versions = secret.versions().await?;
    let current = versions.current().ok_or("the secret has no current version")?;
    let text = secret.value(current).await?.ok_or("the secret has no value")?;
    Ok(KeyDocument::parse(text.expose_secret(), kind)?)
}

/// Each key, with what it does now.
fn described(ring: &Ring) -> impl Iterator<Item = (&Key, String)> {
    let now = start_time();
    let signer = ring.signer(now).map(|key| key.kid.as_str());
    ring.keys().map(move |key| {
        let does = match (key.expires, key.not_before) {
            (Some(end), _) if end <= now => format!("expired at {end}"),
            _ if signer == Some(key.kid.as_str()) => "signs".to_owned(),
            (_, Some(begin)) if begin > now => format!("signs from {begin}"),
            _ => "verifies".to_owned(),
        };
        (key, does)
    })
}
