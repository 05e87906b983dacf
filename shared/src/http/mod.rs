//! The edge of the endpoints: event bytes → typed input, outcome → answer.
//!
//! | module | what is in it |
//! |---|---|
//! | [`serve`] | a function: parse → flow → render, and a log line |
//! | `event` | API Gateway's event (REST, payload 1.0), read leniently |
//! | [`request`] | what an endpoint is given |
//! | [`body`] | JSON members, with every fault found at once |
//! | [`bearer`] | the `Authorization` header |
//! | [`cookies`] | the two cookies, and what a request by cookie is proven with |
//! | [`page`] | lists in pages |
//! | [`session`] | a session that begins, or waits for its second step |
//! | [`introspection`] | what a server asks about a token, and what it is told |
//! | `origin` | the page that asked: for CSRF and CORS |
//! | [`answer`] | the envelope and its headers |
//! | [`error`] | **the one table** of codes and statuses |

pub mod answer;
pub mod bearer;
pub mod body;
pub mod cookies;
pub mod error;
mod event;
pub mod introspection;
mod origin;
pub mod page;
pub mod request;
pub mod serve;
pub mod session;

pub use answer::{Answer, Failure, bare, enveloped};
pub use cookies::SetCookie;
pub use error::Endpoint;
pub use event::read;
pub(crate) use event::{FORWARDED_FOR, client_address, headers_among};
pub use request::Request;
pub use serve::{Proxied, Served, function};
