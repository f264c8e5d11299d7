//! All integration tests of the library in one program, so that it is linked once.

mod corpora;
mod damage;
mod documents;
mod layers;
mod openpgp;
mod openssl_keys;
mod openssl_ocsp;
mod openssl_ts;
mod path;
mod pkcs12;
mod policy;
mod trust;
