//! The words of policies. Of each kind the later one is the stricter one.

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
        }

        impl $name {
            /// The word in policies.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What a word means.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Whether mail to an address is encrypted.
    Encrypt {
        /// Never: a list, a role address.
        Never = "never",
        /// Where there is a key; else plaintext, with a note.
        IfPossible = "if-possible",
        /// Always, or the mail is not sent.
        Require = "require",
    }
}

words! {
    /// Whether mail to an address is signed.
    Sign {
        /// It is not.
        No = "no",
        /// It is.
        Yes = "yes",
    }
}

words! {
    /// What becomes of a mail that only some recipients can be sent encrypted.
    Mixed {
        /// Two mails, one of them plaintext.
        Split = "split",
        /// It waits for the missing keys.
        Hold = "hold",
        /// It is not sent.
        Refuse = "refuse",
    }
}

words! {
    /// What is done where nothing is known of a certificate's revocation.
    Revocation {
        /// Revocation is not looked at.
        Off = "off",
        /// The certificate counts, with a note.
        BestEffort = "best-effort",
        /// It does not count.
        Require = "require",
    }
}

words! {
    /// Whether the network is asked for keys and for revocation.
    Network {
        /// Whenever something is missing.
        Always = "always",
        /// When the person says so.
        Ask = "ask",
        /// Never.
        Never = "never",
    }
}

/// Which public roots count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bundle {
    /// `nss-email`: those that Mozilla trusts for mail.
    MailRoots,
    /// Those of a file, by its absolute path.
    File(String),
    /// `none`.
    None,
}

impl Bundle {
    /// What a value means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "nss-email" => Some(Self::MailRoots),
            "none" => Some(Self::None),
            path if path.starts_with('/') => Some(Self::File(path.to_owned())),
            _ => None,
        }
    }

    /// No root is stricter than some; between two lists the first one decides.
    pub(super) fn stricter(self, other: Self) -> Self {
        if other == Self::None { other } else { self }
    }
}
