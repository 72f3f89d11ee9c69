//! What a page asks of the program around it, and what it is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::job::request::ProfileRequest;

/// Something that the person at the page wants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// An answer to an open question: the code on a display, or that it is right to go on.
    Answer {
        /// The question.
        id: u64,
        /// The code; missing for a yes or no.
        #[serde(default)]
        code: Option<String>,
        /// Yes.
        #[serde(default)]
        yes: bool,
    },
    /// The profile of a token, as its server has it: it is set with that when it is laid back.
    Profile {
        /// The token.
        serial: String,
        /// Hash and time step.
        profile: ProfileRequest,
    },
    /// The tokens that a text fits: a serial, its last digits, a person.
    Find {
        /// The text.
        text: String,
    },
    /// One token.
    Token {
        /// Its serial.
        serial: String,
    },
    /// Judge a code off a token's display by its sealed seed.
    Verify {
        /// The token.
        serial: String,
        /// The code.
        code: String,
    },
    /// Make the servers accept a token's codes again that may still expect its clock of before.
    Mend {
        /// The token.
        serial: String,
    },
    /// Burn a token's sealed seed again when it is laid down.
    BurnAgain {
        /// The token.
        serial: String,
        /// It is not to be burned again after all.
        #[serde(default)]
        cancel: bool,
    },
    /// Keep on record that somebody has mended a token at the server's own page.
    Mended {
        /// The token.
        serial: String,
        /// The server's name.
        server: String,
    },
    /// Hand a burned token over to a server.
    HandOver {
        /// The token.
        serial: String,
        /// The server's name.
        server: String,
    },
    /// Give a token to a user.
    Assign {
        /// The token.
        serial: String,
        /// The user.
        user: String,
        /// Also where it belongs to somebody else.
        #[serde(default)]
        reassign: bool,
    },
    /// Take a token back.
    Unassign {
        /// The token.
        serial: String,
    },
    /// Who must come back, and when.
    Fleet {
        /// Within so many days; all, where it is missing.
        #[serde(default)]
        due_days: Option<u32>,
        /// What the server accepts, in seconds.
        #[serde(default)]
        window: Option<f64>,
        /// The server.
        #[serde(default)]
        server: Option<String>,
        /// As a table of comma-separated values.
        #[serde(default)]
        csv: bool,
    },
    /// The formats that a server's file can have, and the servers that seeds can be handed over to.
    Formats {},
    /// Look at a list, and say what is wrong with it.
    CheckList {
        /// The list.
        list: List,
    },
    /// Burn the tokens of a list.
    StartBatch {
        /// The list.
        list: List,
        /// The file for the server: its format, and where it goes on this computer's disk.
        to: Vec<String>,
        /// The server that the seeds are handed over to as they are burned.
        #[serde(default)]
        hand_over: Option<String>,
    },
    /// The rows of a batch.
    BatchRows {
        /// Its number.
        batch: i64,
    },
    /// Stop the batch after the tokens in hand.
    StopBatch {},
}

/// A list of seeds: a file on this computer, or one that was dropped onto the page.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum List {
    /// A file on this computer.
    Path {
        /// Its path.
        path: String,
    },
    /// A file that was dropped onto the page. Its content is a secret.
    Dropped {
        /// Its name.
        name: String,
        /// Its content, in Base64.
        content: zeroize::Zeroizing<String>,
    },
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path { path } => f.debug_struct("Path").field("path", path).finish(),
            Self::Dropped { name, .. } => f.debug_struct("Dropped").field("name", name).finish_non_exhaustive(),
        }
    }
}

/// A refusal, as the page shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refused {
    /// The kind of error, as in `docs/json.md`.
    pub kind: String,
    /// The fact.
    pub message: String,
    /// The state of the token; empty where none was touched.
    pub state: String,
    /// What to do.
    pub next: String,
    /// More lines.
    pub details: Vec<String>,
    /// It is done all the same when somebody confirms it.
    pub confirm: bool,
}

/// An answer to the page.
pub type Answered = Result<Value, Refused>;

/// Something that was asked, and where the answer goes.
pub struct Asked {
    /// The wish.
    pub ask: Ask,
    /// Where the answer goes; whoever asked may be gone by then.
    pub answer: oneshot::Sender<Answered>,
}
