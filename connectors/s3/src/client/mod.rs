//! The S3 client: requests with credentials, retries and errors in the user's terms.
//!
//! [`Store`] is what the rest of the crate sees. TLS is OpenSSL: the SDK is given an HTTP client of our own ([`http`]).

mod credentials;
mod failure;
mod http;
mod store;
mod stream;

pub(crate) use credentials::{AssumedRole, CredentialKeys};
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use store::{Found, ObjectOptions, Store, StoreConfig};
pub(crate) use stream::Proxy;
