//! One story a file. A flow takes typed input and a [`Moment`], and knows no HTTP.

pub mod add_key;
pub mod authenticate;
pub mod authorize;
pub mod begin;
pub mod change_password;
pub mod create_user;
pub mod csrf;
mod current_password;
pub mod drop_keys;
mod end_session;
pub mod factors;
mod in_force;
pub mod introspect;
pub mod login;
pub mod logout;
pub mod mail;
mod new_password;
pub mod operator;
pub mod passkey;
pub mod refresh;
pub mod register;
pub mod relay;
pub mod revoke_all;
pub mod rotate_keys;
pub mod second_step;
mod session_limit;
pub mod sessions;
pub mod set_status;
pub mod step_up;
pub mod ticket;

use crate::{
    domain::{address::ClientAddress, moment::Moment, password::PasswordHash, session::Device},
    store::Credential,
};
pub use crate::{flow_error::FlowError, journal};

/// The hash to verify a password against. One that can't be read is as good as none: no password is the right one, and
/// to find that out takes the same work and the same writes. Only the operator hears of it.
fn readable<'c>(credential: Option<&'c Credential>, moment: &Moment) -> Option<&'c PasswordHash> {
    let credential = credential?;
    if credential.password_hash.is_none() {
        tracing::error!(
            user.id = %credential.user_id,
            request.id = moment.request.as_str(),
            "the stored password hash of a user is not readable: `nova user password` sets another"
        );
    }
    credential.password_hash.as_ref()
}

/// Who asks for something, as the service sees it.
#[derive(Debug, Clone)]
pub struct Requester {
    pub address: ClientAddress,
    /// The client's device.
    pub device: Device,
    /// The tag of the language that it wants, also for the mails that come of its request.
    pub language: &'static str,
}
