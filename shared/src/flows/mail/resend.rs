//! A user asks for a mail that shows that the address is theirs.

use super::{ask, new_key};
use crate::{
    domain::{
        mail::{Mail, MailKind},
        moment::Moment,
    },
    flows::{FlowError, authenticate::authenticate_call},
    keys::Token,
    service::Callers,
};

/// Asks for the mail.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], and `MailLimited`.
pub async fn resend(
    service: &impl Callers,
    moment: &Moment,
    access: &Token,
    language: &str,
) -> Result<(), FlowError> {
    let who = authenticate_call(service, moment, access).await?;
    let key = new_key(MailKind::Verify, &who.profile.email, moment)?;
    let mail = Mail::new(MailKind::Verify, who.profile.email, language, moment);
    ask(service.store(), moment, &key, &Mail { user_id: Some(who.profile.id), ..mail }).await
}
