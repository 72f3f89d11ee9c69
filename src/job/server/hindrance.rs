//! Why a token is not handed to a server, or not mended there: one variant for each thing that somebody would do something else about.

use crate::inventory::{InventoryError, SealError};
use crate::server::ServerError;
use crate::time::UnixTime;

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// The inventory does not know the token.
    Unseen,
    /// No seed of it was burned here: what is on the token is not known from having written it.
    NotBurned,
    /// It holds no seed: that was erased then.
    Erased(UnixTime),
    /// A job of then has no known end: which seed it holds is not known.
    Unfinished(UnixTime),
    /// Neither its seed nor what opens the sealed one is at hand.
    NoSeedAtHand,
    /// Its sealed seed was not opened.
    Unopened(SealError),
    /// The kind of server could not use a token like this: its own words.
    Unusable(String),
    /// The server has a token of this serial with another seed, as far as is known.
    Taken {
        /// Whose it is there.
        user: Option<String>,
        /// That seed went there from here: the token was burned anew since.
        is_older: bool,
    },
    /// It was handed over, and was removed at the server since.
    RemovedThere,
    /// It was given to its user there, and was taken from them at the server since.
    UnassignedThere,
    /// The server counts by another hash, time step or number of digits than the token.
    OtherProfileThere,
    /// It is switched off at the server, locked, or its fail counter is full: no code is accepted whatever the clock.
    OffThere,
    /// The server has several tokens of this serial.
    Several(usize),
    /// The server has no such user.
    NoUser(String),
    /// The server has several users that this may mean.
    SeveralUsers(String, usize),
    /// It is somebody else's at the server.
    OthersThere {
        /// Whose it is there.
        there: String,
        /// Whose it is here.
        here: String,
    },
    /// It has so many users at the server, and one that is put in its place would be one user's alone.
    SharedThere(usize),
    /// It was sent then, is not listed, and the server may be slow to list it.
    Unsettled {
        /// When it was sent.
        sent: UnixTime,
        /// From when on a look is certain.
        certain: UnixTime,
    },
    /// Another desk is at work with it, or the server's token has changed since it was looked at.
    Busy,
    /// The run was stopped before its turn.
    Stopped,
    /// The server did not do it.
    Server(ServerError),
    /// The inventory could not be asked, or could not keep what was done.
    Inventory(InventoryError),
    /// The server did not accept a code of the seed that it was given.
    CodeRefused,
    /// The server has no token of this serial.
    NotThere,
    /// The server does not know the codes of the seed on record: it has another one, or its belief is too far off. Nothing is overwritten.
    OtherSeedThere,
    /// The seed of the record is another one than that which was handed over, or nobody knows which the server has.
    SeedUnproven,
    /// The server's token is no counter, or no clock, as the call needs it.
    OtherKind,
    /// This kind of server cannot be asked for that.
    NoCall,
}
