//! TLS with the roots of the system; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::Trouble;

/// Who computes.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The roots of the system. One that cannot be read is passed over, as every program does.
pub(crate) fn roots() -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Trouble::unreachable("the system has no TLS roots (install ca-certificates)"));
    }
    Ok(found.certs)
}

/// For programs of others that speak TLS with rustls.
pub(super) fn client() -> Result<Arc<ClientConfig>, Trouble> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots()?);
    let versions = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::unreachable(error.to_string()))?;
    Ok(Arc::new(versions.with_root_certificates(store).with_no_client_auth()))
}
