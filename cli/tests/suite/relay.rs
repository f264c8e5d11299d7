//! `cseal relay` as an administrator runs it: the whole API on every store, TLS, signals, kills, and whoever asks badly.

mod api;
mod backends;
mod database_tls;
mod durable;
mod full;
pub mod process;
mod rough;
mod settings;
mod stores;
mod tls;
