//! What is written down about the service is true of it: the templates, the contract and the documents. Nothing runs here.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

mod circles;
mod cited;
mod docs;
mod openapi;
mod template;
