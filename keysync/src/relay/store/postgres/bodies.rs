//! Large bodies in an S3-compatible store.

use std::sync::Arc;
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use crate::limits::RELAY_SECONDS;
use crate::relay::protocol::hex;
use crate::relay::store::StoreError;

/// How often the store is asked again that failed.
const RETRIES: usize = 3;
/// Bytes of a key: random, so that no key is ever used twice.
const KEY_BYTES: usize = 16;

/// Where bodies go.
#[derive(Clone, Debug)]
pub struct BodySettings {
    /// `s3://BUCKET/PREFIX`.
    pub url: String,
    /// Where it is not Amazon's.
    pub endpoint: Option<String>,
    /// Where the bucket is.
    pub region: Option<String>,
    /// The name of the key.
    pub key_id: Option<String>,
    /// The key.
    pub secret_key: Option<SecretBytes>,
}

/// Bodies, by their keys.
pub(super) struct Bodies {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Bodies {
    pub(super) fn open(settings: &BodySettings) -> Result<Self, StoreError> {
        let wrong = || StoreError(format!("{}: write s3://BUCKET/PREFIX", settings.url));
        let place = settings.url.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        let time = Duration::from_secs(RELAY_SECONDS);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_client_options(ClientOptions::new().with_timeout(time))
            .with_retry(RetryConfig { max_retries: RETRIES, retry_timeout: time, ..RetryConfig::default() });
        if let Some(endpoint) = &settings.endpoint {
            // Without TLS to the own machine alone: the bodies are sealed, the requests are not.
            builder = builder.with_endpoint(endpoint).with_allow_http(is_this_machine(endpoint));
        }
        if let (Some(id), Some(secret)) = (&settings.key_id, &settings.secret_key) {
            let secret = String::from_utf8_lossy(secret.expose()).into_owned();
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let store = builder.build().map_err(|error| trouble(&error))?;
        Ok(Self { store: Arc::new(store), prefix: prefix.trim_matches('/').to_owned() })
    }

    /// A key that was never used.
    pub(super) fn new_key(&self) -> Result<[u8; KEY_BYTES], StoreError> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|error| StoreError(error.to_string()))?;
        Ok(key)
    }

    pub(super) async fn put(&self, key: &[u8], body: Vec<u8>) -> Result<(), StoreError> {
        let put = self.store.put(&self.path(key), PutPayload::from(body)).await;
        put.map(|_| ()).map_err(|error| trouble(&error))
    }

    pub(super) async fn get(&self, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        let got = self.store.get(&self.path(key)).await.map_err(|error| trouble(&error))?;
        Ok(got.bytes().await.map_err(|error| trouble(&error))?.to_vec())
    }

    /// Removes a body; one that is not there is removed.
    pub(super) async fn remove(&self, key: &[u8]) -> Result<(), StoreError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(trouble(&error)),
        }
    }

    fn path(&self, key: &[u8]) -> Path {
        // The first digits spread the keys over the store's parts.
        let key = hex(key);
        Path::from_iter(
            [self.prefix.as_str(), key.get(..2).unwrap_or_default(), &key]
                .into_iter()
                .filter(|part| !part.is_empty()),
        )
    }
}

fn is_this_machine(endpoint: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|start| {
        endpoint.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

/// What the object store says may name keys and hosts: the administrator's journal alone gets it.
fn trouble(error: &object_store::Error) -> StoreError {
    StoreError(format!("object store: {error}"))
}
