//! What is done at the readers behind the page, and what is to be done next.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "servers")]
use crate::cli::batch::hand_over::ToServer;
#[cfg(feature = "servers")]
use crate::inventory::BatchRecord;
use crate::job::batch::{BatchPlan, PlannedBatch};
use crate::job::{BatchTerms, Failure, ReaderNews};
use crate::report::Audience;

/// The terms of what is done at the page, resolved once at its start.
pub struct PageTerms {
    /// Those of a batch, and the profile that the flags state.
    pub batch: BatchTerms,
    /// No clock is set.
    pub only_measures: bool,
    /// Who reads what is said at the desk.
    pub audience: Audience,
}

/// A batch that waits for the readers.
pub struct Waiting {
    /// Its rows, and the files for servers.
    pub planned: PlannedBatch,
    /// How each is burned.
    pub plan: BatchPlan,
    /// It is burned already, into the files that are asked for: only the server may lack some of it.
    #[cfg(feature = "servers")]
    pub finished: Option<BatchRecord>,
    /// The server that the seeds are handed over to.
    #[cfg(feature = "servers")]
    pub to_server: Option<ToServer>,
}

/// What is done at the readers now.
#[derive(Default)]
pub struct State {
    /// The program is to end.
    pub is_over: bool,
    /// What ended the desk: this computer's clock is not to be trusted.
    pub fatal: Option<Failure>,
    /// The readers on which a token lies.
    pub occupied: HashSet<String>,
    /// Those of them on which it lay when this run began: it was laid down for something else, and is passed over until it is lifted.
    pub lying: HashSet<String>,
    /// The readers that this run has only begun with: that they wait says nothing yet of what lies there.
    pub begun: HashSet<String>,
    /// The number of this run of the readers, as a desk or as a batch.
    pub run: u64,
    /// It is a batch.
    pub burns: bool,
    /// The batch is to stop, and what goes to a server with it.
    pub stops_batch: Arc<AtomicBool>,
    /// The tokens that did not leave as they should be, by serial.
    pub undone: Vec<String>,
}

impl State {
    /// Takes note of what an event says of a token that lies on a reader.
    pub fn note(&mut self, reader: &str, news: &ReaderNews) {
        let is_empty = match news {
            ReaderNews::Came => {
                self.begun.insert(reader.to_owned());
                false
            }
            // What lies there as a run begins is only looked at afterwards.
            ReaderNews::Waits => !self.begun.remove(reader),
            ReaderNews::Gone(_) => true,
            ReaderNews::Other(_) => false,
        };
        if is_empty {
            self.occupied.remove(reader);
            self.lying.remove(reader);
        }
    }
}
