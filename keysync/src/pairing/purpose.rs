//! What two sides want of each other: keys for a device, or to know each other. It is a type, so that a meeting has no
//! way to grant keys.

use std::fmt;

use super::gate::Side;
use crate::code::Intent;

/// What two sides are to each other.
pub trait Purpose: sealed::Purpose {
    /// Which part a side takes.
    type Part: Copy + fmt::Debug;

    /// What they want of each other, given the side of one of them.
    fn intent(part: Self::Part, side: Side) -> Intent;
}

/// Two devices of one person: the new one gets keys.
#[derive(Clone, Copy, Debug)]
pub enum Devices {}

/// Two people: each gets to know the other's certificates, and nobody gets a key.
#[derive(Clone, Copy, Debug)]
pub enum People {}

/// Which of two devices this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePart {
    /// The new one.
    New,
    /// One that belongs to the account.
    Old,
}

impl Purpose for Devices {
    type Part = DevicePart;

    fn intent(part: DevicePart, side: Side) -> Intent {
        match (part, side) {
            (DevicePart::New, Side::Displays) | (DevicePart::Old, Side::Scans) => Intent::NewShows,
            (DevicePart::Old, Side::Displays) | (DevicePart::New, Side::Scans) => Intent::OldShows,
        }
    }
}

impl Purpose for People {
    type Part = ();

    fn intent((): (), _: Side) -> Intent {
        Intent::Meet
    }
}

pub(super) mod sealed {
    /// Only the two purposes of this file.
    pub trait Purpose {
        /// Whether a saved state is of this purpose.
        const MEETING: bool;
    }
    impl Purpose for super::Devices {
        const MEETING: bool = false;
    }
    impl Purpose for super::People {
        const MEETING: bool = true;
    }
}
