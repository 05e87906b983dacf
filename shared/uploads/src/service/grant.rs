//! From a declared file to a form.

use jiff::Timestamp;
use nova_auth::entropy;
use nova_auth_domain::{
    context::Caller,
    ids::UserId,
    refusal::{Fault, Refusal},
};
use tokio::sync::Mutex;

use super::{
    Failed, Uploads,
    edge::Problem,
    store::{Declared, Reserved},
};
use crate::{
    form::{Granted, NotSigned, Signer},
    name::FileName,
    rules::{Purpose, Rules},
    wanted::{NotAllowed, Sha256, UploadId},
};

/// What a client says of a file, of the right types and nothing more.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub purpose: String,
    /// What a person calls it.
    pub name: FileName,
    /// Its type, as the client has it.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: Sha256,
}

/// A form, and the upload that it is for.
#[derive(Debug)]
pub struct Grant {
    pub id: UploadId,
    /// The form's fields, in their order.
    pub fields: Vec<(&'static str, String)>,
}

/// What grants. The rules are kept for a minute.
#[derive(Debug)]
pub struct Granting {
    /// The table and the buckets.
    pub uploads: Uploads,
    /// Who signs.
    pub signer: Signer,
    kept: Mutex<Option<(Rules, Timestamp)>>,
}

/// How long rules are kept: so long a change takes to be in force.
const RULES_KEPT_SECONDS: i64 = 60;

impl From<Failed> for Problem {
    fn from(error: Failed) -> Self {
        Self::unavailable(error)
    }
}

impl From<NotSigned> for Problem {
    fn from(error: NotSigned) -> Self {
        Self::unavailable(error)
    }
}

impl Granting {
    /// What grants, with nothing kept yet.
    #[must_use]
    pub const fn new(uploads: Uploads, signer: Signer) -> Self {
        Self { uploads, signer, kept: Mutex::const_new(None) }
    }

    /// The rules. That there are none is never kept.
    async fn rule(&self, purpose: &str, now: Timestamp) -> Result<Purpose, Problem> {
        let mut kept = self.kept.lock().await;
        let age = |read: &Timestamp| (now.as_second() - read.as_second()).abs();
        let rules = match &*kept {
            Some((rules, read)) if age(read) < RULES_KEPT_SECONDS => rules.clone(),
            _ => {
                let found = self.uploads.store.rules(&self.uploads.rules).await?;
                let rules = found.map_or(Rules(Vec::new()), |(rules, _)| rules);
                *kept = (!rules.0.is_empty()).then(|| (rules.clone(), now));
                rules
            }
        };
        let unknown = Refusal::field("purpose", Fault::Invalid);
        rules.purpose(purpose).cloned().ok_or_else(|| unknown.into())
    }

    /// Grants a file, if the rules allow it and the user has a place for it today.
    ///
    /// # Errors
    /// [`Problem`]; no form is given out then.
    pub async fn grant(&self, caller: &Caller, wanted: Wanted, now: Timestamp) -> Result<Grant, Problem> {
        let rule = self.rule(&wanted.purpose, now).await?;
        let kind = rule.allows(&wanted.media_type, wanted.size).map_err(|not| match not {
            NotAllowed::Type => Problem::TypeRefused,
            NotAllowed::Size => Problem::TooLarge,
        })?;
        let random = entropy::bytes().map_err(Problem::unavailable)?;
        let id = UploadId::new(now, &random);
        let Wanted { purpose, name, size, sha256, .. } = wanted;
        let file = Declared { purpose, name, kind, size, sha256, metadata: rule.metadata };
        // Side by side: an upload without a place is one that nobody gets a form for.
        let store = &self.uploads.store;
        let (reserved, granted) = tokio::join!(
            self.reserve(caller.user_id, &rule, id, size, now),
            store.grant(id, caller.user_id, caller.session_id, &file, now),
        );
        reserved?;
        if let Err(failed) = granted {
            // Nobody gets a form: the place is free again. If this fails too, it is so tomorrow.
            drop(store.give_back(caller.user_id, &rule.purpose, (id, size), now).await);
            return Err(failed.into());
        }
        let granted = Granted {
            bucket: &self.uploads.quarantine,
            user: caller.user_id,
            id,
            kind,
            size,
            sha256: &file.sha256,
        };
        Ok(Grant { id, fields: self.signer.form(&granted, now)? })
    }

    /// Takes a place. Where none is left, those are taken back whose forms ran out unused.
    async fn reserve(
        &self,
        user: UserId,
        rule: &Purpose,
        id: UploadId,
        size: u64,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let store = &self.uploads.store;
        let Reserved::Full(taken, _) = store.reserve(user, rule, id, size, now).await? else { return Ok(()) };
        let given = store.reclaim(user, &rule.purpose, &taken, now).await?;
        if given > 0 && store.reserve(user, rule, id, size, now).await? == Reserved::Taken {
            return Ok(());
        }
        Err(Problem::quota(now))
    }
}
