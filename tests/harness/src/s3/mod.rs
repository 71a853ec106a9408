//! A real S3 server, versitygw: built once per machine by Go, objects as plain files that a test reads without S3.

mod go;
mod server;

pub use server::S3Server;
