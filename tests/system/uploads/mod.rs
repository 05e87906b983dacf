//! Guarded uploads, end to end: the real functions, S3 and a scanner of `nova local`, from a form to a clean file or a refusal.

mod chain;
mod events;
mod files;
mod grants;
mod page;
mod scanner;
mod world;
