//! A ticket: an access token is exchanged for the right to open one connection to one API, within half a minute. It may stand in
//! an address, which ends up in logs and histories: it is over by then.

use super::{FlowError, authenticate::authenticate_call};
use crate::{
    domain::moment::Moment,
    keys::{IssuedAccess, Token},
    service::Callers,
};

/// Makes a ticket for the API of this id.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`].
pub async fn ticket(
    service: &impl Callers,
    moment: &Moment,
    access: &Token,
    api: &str,
) -> Result<IssuedAccess, FlowError> {
    let who = authenticate_call(service, moment, access).await?;
    Ok(service.access().issue_ticket(api, &who.session, moment.now).await?)
}
