//! Certificates and keys (RFC 5280, RFC 8550): reading, checking, using and issuing them.

pub mod pkcs12;
