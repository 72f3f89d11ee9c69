//! Events, one for each thing that happened, never changed afterwards.

use serde::{Deserialize, Serialize};

use crate::clock::Drift;
use crate::time::UnixTime;

/// A deed, done or tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// The token was read.
    Info,
    /// Its clock was set.
    Sync,
    /// Its profile was set.
    Config,
    /// A seed was burned.
    Burn,
    /// A code off its display was judged.
    Verify,
    /// It was given to a user.
    Assign,
    /// Its seed was removed from the inventory.
    Forget,
    /// Its seed came from a file.
    Import,
    /// Its seed went into a file.
    Export,
    /// The inventory was told whom to seal seeds to.
    Init,
    /// Old events were removed from it.
    Prune,
    /// It was told of a server, or to forget one.
    Server,
    /// Its seed was handed to a server.
    HandOver,
    /// A server was made to accept its codes again.
    Mend,
    /// A server told how far it believes the clock to be off.
    Pull,
    /// The seed of a slot was taken out.
    Clear,
    /// The title of a slot was written.
    Title,
    /// The device itself was changed: its key, its screen lock, how it types; or it was reset.
    Device,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is begun; a later event of the same job says how it ended. Without one, nobody knows.
    Begun,
    /// It is done.
    Done,
    /// The drift was within bounds, and nothing was written.
    Within,
    /// A code was right.
    Right,
    /// A code was wrong.
    Wrong,
    /// It was refused before anything was written.
    Refused,
    /// It failed, and what was written is known.
    Failed,
    /// It failed, and whether it was written is not known.
    Unknown,
}

/// Words for an enumeration that is kept as text.
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),* $(,)? }) => {
        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it, in the inventory and in JSON.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The one of a word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
            }
        }
    };
}
pub(super) use words;

words!(Deed {
    Info => "info", Sync => "sync", Config => "config", Burn => "burn", Verify => "verify", Assign => "assign",
    Forget => "forget", Import => "import", Export => "export", Init => "init", Prune => "prune",
    Server => "server", HandOver => "hand-over", Mend => "mend", Pull => "pull",
    Clear => "clear", Title => "title", Device => "device",
});

words!(Outcome {
    Begun => "begun", Done => "done", Within => "within", Right => "right", Wrong => "wrong", Refused => "refused",
    Failed => "failed", Unknown => "unknown",
});

/// A drift as it is kept: seconds, and the half-width of the interval that must hold it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The token's clock minus true time, in seconds.
    pub drift_s: f64,
    /// The half-width, in seconds.
    pub resolution_s: f64,
}

impl From<Drift> for Measured {
    fn from(drift: Drift) -> Self {
        Self { drift_s: drift.middle_s(), resolution_s: drift.resolution_s() }
    }
}

/// Where and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// The desk: this host's name.
    pub desk: String,
    /// The user who runs this program.
    pub operator: String,
    /// The reader.
    pub reader: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the host's clock.
    pub at: UnixTime,
    /// The job that it belongs to: the same for its beginning and its end.
    pub job: i64,
    /// Where and by whom.
    pub station: Station,
    /// The token, where there is one.
    pub serial: Option<String>,
    /// Its slot.
    pub slot: u16,
    /// The deed.
    pub deed: Deed,
    /// How it ended.
    pub outcome: Outcome,
    /// The drift before.
    pub before: Option<Measured>,
    /// The drift afterwards.
    pub after: Option<Measured>,
    /// The token's state in words, where a job was not finished.
    pub state: Option<String>,
    /// Anything else that is worth knowing, in words.
    pub detail: Option<String>,
}

/// A choice of events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFilter {
    /// Of this token.
    pub serial: Option<String>,
    /// Of this slot of it.
    pub slot: Option<u16>,
    /// Of this deed.
    pub deed: Option<Deed>,
    /// From this time on.
    pub since: Option<UnixTime>,
    /// With this in its detail, without regard to the case of ASCII letters.
    pub detail: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// With a drift before that is larger than this, in seconds, to either side.
    pub drift_over: Option<f64>,
}
