//! PostgreSQL, for several relay processes behind one name.
//!
//! What is searched by a secret is in its own table, partitioned by the name of the box; boxes and objects are
//! partitioned by the number of the box. A put is one transaction that holds the row of its box: the limits are checked
//! and the number given in it. Bodies above [`INLINE_BYTES`] go to an object store, where there is one.

mod address;
mod bodies;
mod creating;
mod known;
mod news;
mod statements;
mod sums;
mod sweeping;
mod tls;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use futures::FutureExt;

use super::{
    Answer, BoxNumber, BoxState, Claim, Creating, Kept, NewBox, Permission, Putting, Store, StoreError, Sums,
    Totals,
};
use crate::limits::INLINE_BYTES;
use crate::relay::limits::Limits;
use crate::relay::waiting::Waiting;
use crate::transport::ObjectName;
use address::config;
use bodies::Bodies;
pub use bodies::BodySettings;
use known::KnownSums;
use news::News;
use tls::Tls;

/// Connections of one process to the database.
const CONNECTIONS: usize = 16;
/// How long a request waits for one of them, and for the server.
const PATIENCE: Duration = Duration::from_secs(10);
const SCHEMA: &str = include_str!("postgres/schema.sql");

/// Where the database is.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// `postgres://USER@HOST/DATABASE`.
    pub url: String,
    /// The user's password.
    pub password: Option<SecretBytes>,
    /// Certificates (DER) that its certificate has to lead to; without any, those of the system.
    pub roots: Vec<Vec<u8>>,
    /// Where large bodies go; without it, into the database.
    pub bodies: Option<BodySettings>,
}

/// Boxes in PostgreSQL.
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    bodies: Option<Bodies>,
    limits: Limits,
    news: News,
    sums: Arc<KnownSums>,
}

impl PostgresStore {
    /// Connects, and makes the tables where there are none. Called within the runtime.
    ///
    /// # Errors
    /// [`StoreError`] where the server is not reached, or does not keep what it acknowledges.
    pub async fn open(
        settings: &PostgresSettings,
        limits: Limits,
        waiting: Arc<Waiting>,
    ) -> Result<Self, StoreError> {
        let config = config(settings)?;
        let tls = Tls::new(&settings.roots).map_err(StoreError)?;
        let bodies = settings.bodies.as_ref().map(Bodies::open).transpose()?;
        let manager = Manager::from_config(
            config.clone(),
            tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
            .build()
            .map_err(|error| StoreError(error.to_string()))?;
        let client = connect(&pool).await?;
        begin(&client).await?;
        drop(client);
        let sums = KnownSums::start(&pool, limits.total_bytes).await?;
        let news = News::start(config, tls, pool.clone(), waiting);
        Ok(Self { inner: Arc::new(Inner { pool, bodies, limits, news, sums }) })
    }
}

async fn connect(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => error.into(),
        error => StoreError(format!("database: {error}")),
    })
}

async fn begin(client: &Object) -> Result<(), StoreError> {
    let setting: String = client.query_one("show synchronous_commit", &[]).await?.try_get(0)?;
    if setting == "off" {
        return Err(StoreError(
            "the database has synchronous_commit off: it would lose what it acknowledged".to_owned(),
        ));
    }
    client.batch_execute(SCHEMA).await?;
    Ok(())
}

impl Inner {
    async fn create(&self, new: NewBox, permission: Permission, now: Time) -> Result<Creating, StoreError> {
        let mut client = connect(&self.pool).await?;
        let entry = self.sums.enter(Sums::ONE_BOX);
        let is_full = entry.is_none();
        let creating = creating::create(&mut client, &new, permission, is_full, &self.limits, now).await?;
        match (creating, entry) {
            (Creating::Created(_), _) | (_, None) => {}
            (_, Some(entry)) => entry.refused(),
        }
        Ok(creating)
    }

    async fn put(
        &self,
        number: BoxNumber,
        name: ObjectName,
        body: Vec<u8>,
        now: Time,
    ) -> Result<Putting, StoreError> {
        let bytes = body.len() as u64;
        let client = connect(&self.pool).await?;
        let entry = self.sums.enter(Sums::one_object(bytes));
        let put = statements::NewObject { number, name, bytes, now, is_full: entry.is_none() };
        let putting = self.put_object(client, &put, body).await?;
        match (putting, entry) {
            (Putting::Kept(_), _) => self.news.tell(number),
            (_, Some(entry)) => entry.refused(),
            (_, None) => {}
        }
        Ok(putting)
    }

    async fn put_object(
        &self,
        mut client: Object,
        put: &statements::NewObject,
        body: Vec<u8>,
    ) -> Result<Putting, StoreError> {
        let outside = self.bodies.as_ref().filter(|_| body.len() > INLINE_BYTES);
        let Some(bodies) = outside else {
            return statements::put(&mut client, put, Some(&body), None, &self.limits).await;
        };
        // What would be refused is not sent to the object store first. What counts is what the transaction says.
        if let Some(refused) = statements::would_refuse(&client, put, &self.limits).await? {
            return Ok(refused);
        }
        let key = bodies.new_key()?;
        statements::note_stray(&client, &key, put.now).await?;
        drop(client);
        bodies.put(&key, body).await?;
        let mut client = connect(&self.pool).await?;
        let putting = statements::put(&mut client, put, None, Some(&key), &self.limits).await?;
        if !matches!(putting, Putting::Kept(_)) {
            statements::forget_stray(&client, &key).await?;
        }
        Ok(putting)
    }

    async fn get(&self, number: BoxNumber, name: ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        let client = connect(&self.pool).await?;
        let Some((body, key)) = statements::get(&client, number, &name).await? else { return Ok(None) };
        drop(client);
        match (body, key, &self.bodies) {
            (Some(body), ..) => Ok(Some(body)),
            (None, Some(key), Some(bodies)) => bodies.get(&key).await.map(Some),
            _ => Err(StoreError("an object is in an object store, and none is named".to_owned())),
        }
    }

    async fn sweep(&self, now: Time) -> Result<u64, StoreError> {
        let mut client = connect(&self.pool).await?;
        let swept = sweeping::sweep(&mut client, now).await?;
        let strays = match &self.bodies {
            Some(bodies) => sweeping::sweep_strays(&mut client, bodies, now).await?,
            None => 0,
        };
        Ok(swept + strays)
    }
}

impl Store for PostgresStore {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn find(&self, claim: Claim, now: Time) -> Answer<'_, Option<BoxState>> {
        async move { statements::find(&connect(&self.inner.pool).await?, &claim, now).await }.boxed()
    }

    fn create(&self, new: NewBox, permission: Permission, now: Time) -> Answer<'_, Creating> {
        self.inner.create(new, permission, now).boxed()
    }

    fn note_read(&self, number: BoxNumber, expires: i64) {
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            // A note that is lost is made with the next read.
            if let Ok(client) = connect(&inner.pool).await {
                let _ = statements::note_read(&client, number, expires).await;
            }
        });
    }

    fn put(&self, number: BoxNumber, name: ObjectName, body: Vec<u8>, now: Time) -> Answer<'_, Putting> {
        self.inner.put(number, name, body, now).boxed()
    }

    fn list(&self, number: BoxNumber, after: u64, most: u64) -> Answer<'_, Vec<Kept>> {
        async move { statements::list(&connect(&self.inner.pool).await?, number, after, most).await }.boxed()
    }

    fn length(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<u64>> {
        async move { statements::length(&connect(&self.inner.pool).await?, number, &name).await }.boxed()
    }

    fn get(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<Vec<u8>>> {
        self.inner.get(number, name).boxed()
    }

    fn remove(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, ()> {
        async move { statements::remove(&mut connect(&self.inner.pool).await?, number, &name).await }.boxed()
    }

    fn remove_box(&self, number: BoxNumber) -> Answer<'_, ()> {
        async move {
            statements::remove_box(&connect(&self.inner.pool).await?, number).await?;
            self.inner.news.tell(number);
            Ok(())
        }
        .boxed()
    }

    fn sweep(&self, now: Time) -> Answer<'_, u64> {
        self.inner.sweep(now).boxed()
    }

    fn totals(&self) -> Totals {
        self.inner.sums.totals()
    }

    fn check(&self) -> Answer<'_, ()> {
        async move {
            connect(&self.inner.pool).await?.query_one("select 1", &[]).await?;
            Ok(())
        }
        .boxed()
    }

    fn close(&self) -> Answer<'_, ()> {
        // The database keeps what it acknowledged.
        async move {
            self.inner.news.stop();
            self.inner.pool.close();
            Ok(())
        }
        .boxed()
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(format!("database: {}", trouble(&error)))
    }
}

/// What the server said; else what went wrong, down to its cause.
fn trouble(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    let causes = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
