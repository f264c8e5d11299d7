//! Whether a key belongs to an address, and what it would cost a forger to make us believe so.
//!
//! The score counts points; [`VERIFIED`] of them are *verified*. Evidence comes from pins (a
//! person compared the fingerprint), from chains to anchors, and from history.

mod advice;
mod age;
mod carried;
mod claim;
mod decide;
mod domain;
mod evaluate;
pub mod evidence;
mod exposure;
mod family;
mod gather;
mod graph;
mod harvest;
mod history;
mod knowledge;
mod level;
pub mod log;
mod network;
mod picture;
pub mod points;
mod rivals;
mod rules;
mod scenarios;
mod statements;
mod web;

pub use advice::{Advice, Deed, advise};
pub use carried::{Brought, Item, bring};
pub use claim::Claim;
pub use decide::{Decision, Purpose, Remark, check_chain, decide, decide_chain};
pub use domain::{Cost, Domain, PinKind};
pub use evaluate::{Evaluation, Source, evaluate, picture, sources};
pub use exposure::{Ages, Exposure, ExposureKind};
pub use family::family_key;
pub use harvest::{Harvest, SignedMail, harvest};
pub use knowledge::{
    Anchor, ContactIntroducer, Knowledge, KnownKey, OpenPgpKnowledge, Pin, PublicRoots, RootLimits, TimeProof,
};
pub use level::Level;
pub use picture::{Picture, PictureKind, PictureNode};
pub use points::{CHECKED, HISTORY, Profile, VERIFIED};
pub use rivals::{Conflict, Rival};
pub use rules::{Rules, Sources, Thresholds};
pub use scenarios::{ComparisonRow, Outcome, SCENARIOS, Scenario, Side, compare};
pub use statements::{Standing, is_own_statement};
pub use web::WebOfTrust;
