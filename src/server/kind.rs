//! The kinds of server, and what can be done with each.

use serde::{Deserialize, Serialize};

/// A kind of authentication server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// privacyIDEA, from version 3.9 on.
    PrivacyIdea,
    /// Duo, by its Admin API.
    Duo,
    /// Microsoft Entra ID, by Graph (beta).
    Entra,
}

impl ServerKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PrivacyIdea, Self::Duo, Self::Entra];

    /// Its word, on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PrivacyIdea => "privacyidea",
            Self::Duo => "duo",
            Self::Entra => "entra",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its name, as its makers write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PrivacyIdea => "privacyIDEA",
            Self::Duo => "Duo",
            Self::Entra => "Entra ID",
        }
    }

    /// How many codes that follow each other it wants to find a counter again; `None`: it cannot.
    #[must_use]
    pub fn codes_to_resync(self) -> Option<usize> {
        match self {
            Self::PrivacyIdea => Some(2),
            Self::Duo => Some(3),
            Self::Entra => None,
        }
    }

    /// What can be done with it.
    #[must_use]
    pub fn can(self) -> Can {
        match self {
            Self::PrivacyIdea => {
                Can { follows_drift: true, resyncs_time: true, tells_drift: true, activates: false, re_enrols: true }
            }
            Self::Duo => Can {
                follows_drift: false,
                resyncs_time: false,
                tells_drift: false,
                activates: false,
                re_enrols: false,
            },
            Self::Entra => {
                Can { follows_drift: true, resyncs_time: false, tells_drift: false, activates: true, re_enrols: false }
            }
        }
    }
}

/// What can be done with a kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Can {
    /// It follows the drift of a token's clock, and must be mended after a large correction.
    pub follows_drift: bool,
    /// It takes two codes of a time-based token to find its clock again.
    pub resyncs_time: bool,
    /// It tells how far it believes a clock to be off.
    pub tells_drift: bool,
    /// A token is of no use before it was given a code.
    pub activates: bool,
    /// A seed takes another one's place in a token that stays its user's. Else the token is removed, and another one created.
    pub re_enrols: bool,
}

/// A right that an account has at a server, or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To list tokens.
    List,
    /// To create tokens.
    Create,
    /// To look users up.
    Users,
    /// To give a token to a user.
    Assign,
    /// To find a token's clock or counter again by its codes.
    Resync,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::List, Self::Create, Self::Users, Self::Assign, Self::Resync];
}
