//! PostgreSQL, for several relay processes behind one name.
//!
//! What is searched by a secret is in its own table, partitioned by the name of the box; boxes and objects are
//! partitioned by the number of the box. A put is one transaction that holds the row of its box: the limits are checked
//! and the number given in it. Bodies above [`INLINE_BYTES`] go to an object store, where there is one.

mod bodies;
mod news;
mod statements;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use futures::FutureExt;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::{
    Answer, BoxNumber, BoxState, Claim, Creating, Kept, NewBox, Permission, Putting, Store, StoreError,
    Totals,
};
use crate::limits::INLINE_BYTES;
use crate::relay::limits::Limits;
use crate::relay::waiting::Waiting;
use crate::transport::ObjectName;
use bodies::Bodies;
pub use bodies::BodySettings;
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
    boxes: AtomicU64,
    objects: AtomicU64,
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
        let news = News::start(config, tls, pool.clone(), waiting);
        let inner =
            Inner { pool, bodies, limits, news, boxes: AtomicU64::default(), objects: AtomicU64::default() };
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn config(settings: &PostgresSettings) -> Result<Config, StoreError> {
    let mut config: Config =
        settings.url.parse().map_err(|_| StoreError("not a postgres: URL".to_owned()))?;
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    };
    // What the default would do without TLS where the server has none: an attacker in between has none.
    if config.get_ssl_mode() == SslMode::Prefer {
        let is_local = config.get_hosts().iter().all(is_local);
        config.ssl_mode(if is_local { SslMode::Disable } else { SslMode::Require });
    }
    // One plan for each question: planning anew over all partitions takes four times as long as asking.
    let options =
        format!("{} -c plan_cache_mode=force_generic_plan", config.get_options().unwrap_or_default());
    config.options(options.trim_start());
    config.connect_timeout(PATIENCE).application_name("counterseal-relay");
    Ok(config)
}

async fn connect(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| StoreError(format!("database: {error}")))
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
    async fn put(
        &self,
        number: BoxNumber,
        name: ObjectName,
        body: Vec<u8>,
        now: Time,
    ) -> Result<Putting, StoreError> {
        let mut client = connect(&self.pool).await?;
        let put = statements::NewObject { number, name, bytes: body.len() as u64, now };
        let outside = self.bodies.as_ref().filter(|_| body.len() > INLINE_BYTES);
        let Some(bodies) = outside else {
            return statements::put(&mut client, &put, Some(&body), None, &self.limits).await;
        };
        // What would be refused is not sent to the object store first. What counts is what the transaction says.
        if let Some(refused) = statements::would_refuse(&client, &put, &self.limits).await? {
            return Ok(refused);
        }
        let key = bodies.new_key()?;
        statements::note_stray(&client, &key, now).await?;
        drop(client);
        bodies.put(&key, body).await?;
        let mut client = connect(&self.pool).await?;
        let putting = statements::put(&mut client, &put, None, Some(&key), &self.limits).await?;
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
        let swept = statements::sweep(&mut client, now).await?;
        let strays = match &self.bodies {
            Some(bodies) => statements::sweep_strays(&mut client, bodies, now).await?,
            None => 0,
        };
        if swept + strays == 0 {
            let (boxes, objects) = statements::estimate(&client).await?;
            self.boxes.store(boxes, Ordering::Relaxed);
            self.objects.store(objects, Ordering::Relaxed);
        }
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
        async move {
            let mut client = connect(&self.inner.pool).await?;
            statements::create(&mut client, &new, permission, &self.inner.limits, now).await
        }
        .boxed()
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
        async move {
            let putting = self.inner.put(number, name, body, now).await?;
            if let Putting::Kept(_) = putting {
                self.inner.news.tell(number);
            }
            Ok(putting)
        }
        .boxed()
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
        let [boxes, objects] =
            [&self.inner.boxes, &self.inner.objects].map(|count| count.load(Ordering::Relaxed));
        Totals { boxes, objects, bytes: None, most: None }
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
        let why = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
        Self(format!("database: {why}"))
    }
}
