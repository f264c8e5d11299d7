//! Whether what is known of a key is good enough to encrypt to it.
//!
//! "Encrypt to whom I did not check" does not compile: sealing takes [`Accepted`], and only this
//! module makes one.

mod accept;
mod demand;
mod file;
mod layers;
mod pattern;
mod send;
mod sources;
mod words;

pub use accept::{Accepted, Refusal, accept_given, accept_key};
pub use demand::{Met, Terms, Treatment, accept_given_demanded, treat, with_demand};
pub use file::{AnchorRow, LevelsSection, PolicyError, PolicyErrorKind, PolicyFile, RootRow, SendRow};
pub use layers::{Policy, SendRule};
pub use pattern::{AddressPattern, common_domains, mail_domain};
pub use send::{KeyState, Named, STALE_DAYS, SendRefusal, Sending, Situation, WholeMail, whole_mail};
pub use sources::{HostRow, LookupSources, SmimeaSource, SourceRow, SourcesSection};
pub use words::{Bundle, Encrypt, Mixed, Network, Revocation, Sign};
