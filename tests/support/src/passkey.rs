//! The phone of the soak, as the flows' own tests use it.

use nova_auth::webauthn::{AssertionResponse, RegistrationResponse};
use serde_json::Value;

#[path = "../../soak/src/phone.rs"]
mod phone;

/// A phone with one passkey, and the browser before it.
pub struct Phone(phone::Phone);

impl Phone {
    /// Another phone for each byte.
    pub fn new(byte: u8) -> Phone {
        Phone(phone::Phone::with_id([byte; 32]).unwrap())
    }

    /// Makes its passkey as a page asks it to, and answers as the page sends it.
    pub fn make(&mut self, options: &Value) -> Value {
        self.0.make(options)
    }

    /// Answers with it, once more.
    pub fn show(&mut self, options: &Value) -> Value {
        self.0.show(options)
    }

    /// Makes its passkey as it is asked to.
    pub fn create(&mut self, options: &Value) -> RegistrationResponse {
        serde_json::from_value(self.make(options)).unwrap()
    }

    /// Answers with it, once more.
    pub fn get(&mut self, options: &Value) -> AssertionResponse {
        serde_json::from_value(self.show(options)).unwrap()
    }

    /// Answers without counting, as a copy of it would.
    pub fn get_again(&self, options: &Value) -> AssertionResponse {
        serde_json::from_value(self.0.show_again(options)).unwrap()
    }
}
