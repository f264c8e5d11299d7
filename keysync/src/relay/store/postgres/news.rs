//! What one process keeps, requests at the others wait for. News are wake-ups and nothing else: whoever is woken looks
//! into the table, and one that is lost is found when the waiting ends.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_postgres::{AsyncMessage, Config};

use super::tls::Tls;
use crate::relay::store::BoxNumber;
use crate::relay::waiting::Waiting;

const CHANNEL: &str = "counterseal_relay";
/// News that are told together: PostgreSQL locks all sessions against each other for each telling.
const PAUSE: Duration = Duration::from_millis(30);
/// Numbers in one telling: 8000 bytes is the most that PostgreSQL carries.
const NUMBERS: usize = 300;
/// How soon a listener that lost the server tries again.
const AGAIN: Duration = Duration::from_secs(1);

/// The news of this process, and the stop of those who tell and listen.
pub(super) struct News {
    told: UnboundedSender<BoxNumber>,
    stop: watch::Sender<bool>,
}

impl News {
    pub(super) fn start(config: Config, tls: Tls, pool: Pool, waiting: Arc<Waiting>) -> Self {
        let (told, telling) = unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(tell(telling, pool));
        tokio::spawn(listen(config, tls, waiting, stopped));
        Self { told, stop }
    }

    /// Something came into a box.
    pub(super) fn tell(&self, number: BoxNumber) {
        let _ = self.told.send(number);
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

async fn tell(mut telling: UnboundedReceiver<BoxNumber>, pool: Pool) {
    while let Some(first) = telling.recv().await {
        sleep(PAUSE).await;
        let mut numbers = BTreeSet::from([first]);
        while numbers.len() < NUMBERS
            && let Ok(number) = telling.try_recv()
        {
            numbers.insert(number);
        }
        let numbers: Vec<String> = numbers.iter().map(|number| number.0.to_string()).collect();
        if let Ok(client) = pool.get().await {
            let _ = client.execute("select pg_notify($1, $2)", &[&CHANNEL, &numbers.join(",")]).await;
        }
    }
}

async fn listen(config: Config, tls: Tls, waiting: Arc<Waiting>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = hear(&config, tls.clone(), &waiting) => {}
            _ = stop.wait_for(|stops| *stops) => return,
        }
        tokio::select! {
            () = sleep(AGAIN) => {}
            _ = stop.wait_for(|stops| *stops) => return,
        }
    }
}

/// Hears news until the connection breaks.
async fn hear(config: &Config, tls: Tls, waiting: &Waiting) {
    let Ok((client, mut connection)) = config.connect(tls).await else { return };
    let heard = async {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(news) = message {
                let numbers = news.payload().split(',').filter_map(|number| number.parse().ok());
                numbers.map(BoxNumber).for_each(|number| waiting.wake(number));
            }
        }
    };
    let listening = async {
        if client.batch_execute(&format!("listen {CHANNEL}")).await.is_ok() {
            // What came while nobody listened.
            waiting.wake_all();
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = heard => {}
        () = listening => {}
    }
}
