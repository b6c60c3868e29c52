//! Who gets in, and what they get: real servers, real keys (the rows S-01 … S-46 of the security matrix that are
//! about access).

mod binding;
mod keys;
mod projects;
mod scopes;
mod secrets;
pub(crate) mod world;
