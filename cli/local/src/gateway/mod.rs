//! API Gateway on this machine. Every kind of API has a file of its own for the way of a request through it
//! (`rest.rs`); what they share (routes, policies, refusals) stands beside it.

mod answer;
mod authorizer;
mod cache;
mod call;
mod event;
mod policy;
mod refusal;
mod rest;
mod route;

pub(crate) use rest::{Rest, Setup};
