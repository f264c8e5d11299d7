//! The sheet of paper: what it is, for which account, the words, the code, and what to do with it.
//!
//! One description of the page is drawn as PDF and as SVG; a terminal gets lines of text.

mod page;
mod pdf;
mod svg;
mod text;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use zeroize::Zeroizing;

use super::{SecretWords, Seed, Share};
use crate::qr::{Code, Correction};

/// A sheet for one seed or one share. It is secret, whichever way it is drawn.
pub struct Sheet {
    kind: Kind,
    account: String,
    made: Time,
    words: SecretWords,
    code: Code,
}

/// What the sheet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Seed,
    Share { index: u8, threshold: u8, set: String },
}

/// Why a sheet is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetError {
    /// The name of the account is no short line of printable ASCII.
    Account,
    /// The code could not be drawn.
    Code,
}

impl Sheet {
    /// A sheet of the whole seed. `account` is the fingerprint of the account and nothing else of it, so that
    /// whoever finds the paper does not learn whose it is.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn of_seed(seed: &Seed, account: &str, made: Time) -> Result<Self, SheetError> {
        Self::new(Kind::Seed, seed.words(), &seed.code(), account, made)
    }

    /// A sheet of one share.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn of_share(share: &Share, account: &str, made: Time) -> Result<Self, SheetError> {
        let kind = Kind::Share { index: share.index(), threshold: share.threshold(), set: share.set() };
        Self::new(kind, share.words(), &share.code(), account, made)
    }

    fn new(
        kind: Kind,
        words: SecretWords,
        code: &str,
        account: &str,
        made: Time,
    ) -> Result<Self, SheetError> {
        let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if account.is_empty() || account.len() > page::ACCOUNT_LETTERS || !account.bytes().all(printable) {
            return Err(SheetError::Account);
        }
        let code = Code::of(code, Correction::Quartile).map_err(|_| SheetError::Code)?;
        Ok(Self { kind, account: account.to_owned(), made, words, code })
    }

    /// The sheet as a PDF file, one page of A4, with the fonts that every reader has.
    #[must_use]
    pub fn to_pdf(&self) -> SecretBytes {
        pdf::draw(&page::layout(self))
    }

    /// The sheet as an SVG file, one page of A4.
    #[must_use]
    pub fn to_svg(&self) -> SecretBytes {
        svg::draw(&page::layout(self))
    }

    /// The sheet as lines of text, at most 80 columns, without the code: a terminal draws that in colours.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        text::write(self)
    }

    fn title(&self) -> String {
        match &self.kind {
            Kind::Seed => "Recovery sheet for encrypted mail".to_owned(),
            Kind::Share { index, threshold, .. } => {
                format!("Recovery share {index} for encrypted mail: any {threshold} of its set are needed")
            }
        }
    }

    /// What it belongs to: labels and values.
    fn belongs_to(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("Account", self.account.clone()), ("Made on", self.made.to_date())];
        if let Kind::Share { set, .. } = &self.kind {
            lines.push(("Set", set.clone()));
        }
        lines
    }

    /// What it is and what it means to lose it, in lines that fit the page.
    const fn warning(&self) -> [&'static str; 3] {
        match self.kind {
            Kind::Seed => [
                "With these words and any copy of the store, every mail of this account can be read and all",
                "of its devices can be replaced. Whoever finds them can do that too: keep this sheet where",
                "you keep a passport. Do not photograph it, do not type it into anything but cseal.",
            ],
            Kind::Share { .. } => [
                "Enough of these sheets together, with any copy of the store, open every mail of this account",
                "and can replace all of its devices. Alone this sheet tells nothing. Keep it apart from the",
                "others. Do not photograph it, do not type it into anything but cseal.",
            ],
        }
    }

    /// What to do with it.
    const fn steps() -> [&'static str; 5] {
        [
            "When all devices are lost or stolen:",
            "1. Install Counterseal (cseal) on a new computer.",
            "2. Find a copy of the store: a file of \"cseal device export\", a folder, the relay, the mailbox.",
            "3. Run \"cseal device recover account\" and type the words above.",
            "While all is well, \"cseal device recover drill\" tells whether this paper still opens the store.",
        ]
    }
}
