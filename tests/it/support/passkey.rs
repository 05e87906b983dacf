//! The phone of the soak, as the flows' own tests use it.

use nova_auth::webauthn::{AssertionResponse, RegistrationResponse};
use serde_json::Value;

#[path = "../../soak/src/phone.rs"]
mod phone;

pub(crate) use phone::Phone;

impl Phone {
    /// Another phone for each byte.
    pub(crate) fn new(byte: u8) -> Phone {
        Phone::with_id([byte; 32]).unwrap()
    }

    /// Makes its passkey as it is asked to.
    pub(crate) fn create(&mut self, options: &Value) -> RegistrationResponse {
        serde_json::from_value(self.make(options)).unwrap()
    }

    /// Answers with it, once more.
    pub(crate) fn get(&mut self, options: &Value) -> AssertionResponse {
        serde_json::from_value(self.show(options)).unwrap()
    }

    /// Answers without counting, as a copy of it would.
    pub(crate) fn get_again(&self, options: &Value) -> AssertionResponse {
        serde_json::from_value(self.show_again(options)).unwrap()
    }
}
