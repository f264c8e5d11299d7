//! Which secret keys and certificates are there: the keyring as a value, and what files hold.

pub mod import;
pub mod keyring;

pub use import::{Import, ImportError, import};
pub use keyring::Keyring;
