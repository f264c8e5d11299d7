//! How much all boxes have together, and when that is too much.

use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use super::unsigned;
use crate::limits::{BOX_OVERHEAD, OBJECT_OVERHEAD};

/// What all boxes have together, or what one write changes in that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) boxes: i64,
    pub(crate) objects: i64,
    pub(crate) bytes: i64,
}

impl Sums {
    pub(crate) const NOTHING: Self = Self { boxes: 0, objects: 0, bytes: 0 };
    pub(crate) const ONE_BOX: Self = Self { boxes: 1, ..Self::NOTHING };

    /// One object of so many bytes.
    pub(crate) fn one_object(bytes: u64) -> Self {
        Self { objects: 1, bytes: super::signed(bytes), ..Self::NOTHING }
    }

    /// Whether it takes more than so many bytes on disk, by the rule of `docs/formats/relay-config.md`.
    pub(crate) fn exceed(self, most: u64) -> bool {
        let boxes = unsigned(self.boxes).saturating_mul(BOX_OVERHEAD);
        let objects = unsigned(self.objects).saturating_mul(OBJECT_OVERHEAD);
        boxes.saturating_add(objects).saturating_add(unsigned(self.bytes)) > most
    }

    fn each(self, other: Self, operation: fn(i64, i64) -> i64) -> Self {
        Self {
            boxes: operation(self.boxes, other.boxes),
            objects: operation(self.objects, other.objects),
            bytes: operation(self.bytes, other.bytes),
        }
    }
}

impl Add for Sums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, i64::saturating_add)
    }
}

impl Sub for Sums {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.each(other, i64::saturating_sub)
    }
}

impl Neg for Sums {
    type Output = Self;

    fn neg(self) -> Self {
        Self::NOTHING - self
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Boxes.
    pub boxes: u64,
    /// Objects in them.
    pub objects: u64,
    /// Bytes of the objects.
    pub bytes: u64,
    /// Bytes on disk that all of it may have; nothing where there is no limit.
    pub most: Option<u64>,
}

impl Totals {
    pub(crate) fn of(sums: Sums, most: Option<u64>) -> Self {
        let [boxes, objects, bytes] = [sums.boxes, sums.objects, sums.bytes].map(unsigned);
        Self { boxes, objects, bytes, most }
    }
}
