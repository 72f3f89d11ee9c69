//! Problems: what made a job fail, one variant for each thing that a program would treat differently.

use super::clock_problem::ClockProblem;
use super::kind::{Exit, Kind};
pub use super::mistaken::{Mistaken, Stranger};
use super::refusal::Refusal;
use super::server::Hindrance;
use super::verify::{Verdict, VerdictKind};
use crate::clock::Drift;
use crate::device::{Info, Profile, Serial, Step};
use crate::inventory::{Deed, InventoryError, SealError};
use crate::iso7816::StatusWord;
use crate::link::LinkFault;
use crate::reader::ReaderError;
use crate::server::ServerError;
use crate::time::UnixTime;

/// The cause of a job's failure.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// An error in the program itself, at this place of its source.
    Internal(String),
    /// Arguments, or the content of a file; the words are the front end's.
    Usage(String),
    /// A file, the terminal or the generator; the words are the front end's.
    File(String),
    /// The emulated token failed.
    Emulator(String),
    /// No virtual reader listens at this address.
    NoVirtualReader {
        /// The address.
        address: String,
        /// The system's words.
        detail: String,
    },
    /// The reader, before a token was read.
    Reader(ReaderError),
    /// The user stopped the program.
    Interrupted,
    /// The inventory.
    Inventory(InventoryError),
    /// The inventory, which may know the profile that the write would overwrite.
    ProfileUnread(InventoryError),
    /// The inventory is damaged: so many things are wrong with it.
    InventoryDamaged {
        /// Its path.
        path: String,
        /// How many.
        count: usize,
    },
    /// The host's clock.
    HostClock(ClockProblem),
    /// The link to the token.
    Link(BrokenLink),
    /// The token answers, and not yet as it should.
    NotAwake(StatusWord, Option<Info>),
    /// The card on the reader is not a token.
    NotAToken(Stranger),
    /// An answer before the writes is not one of a token: what is wrong with it, and the token, if it had said who it is.
    BadReply(String, Option<Info>),
    /// An answer during the writes makes no sense.
    Garbled {
        /// The exchange.
        step: Step,
        /// The fault of the answer.
        detail: String,
        /// The token.
        token: Info,
    },
    /// Another token than the one that was meant.
    WrongToken(Mistaken),
    /// Another token came onto the reader during the writes.
    TokenSwapped {
        /// The serial that is there now.
        found: String,
        /// The token that was written.
        token: Info,
    },
    /// The token refused.
    Refused(Refusal),
    /// A model that is not known.
    UnknownModel(Serial),
    /// A clock was to be set on a device that counts.
    NoClock(Info),
    /// The seed would be lost, and is not at hand.
    Restricted(Restriction, Info),
    /// The inventory keeps a customer key of the device, which is not at hand.
    CustomerKey(KeptKey, Info),
    /// The inventory has no seed of the token that was asked for.
    NoSeed {
        /// Its serial, or more.
        token: String,
        /// Why the one that it keeps was not opened.
        why: Option<SealError>,
    },
    /// The sealed seed is another token's, or another seed.
    WrongSeal(SealError, Info),
    /// Some of the seals that were to be exported are other tokens'.
    WrongSeals(String),
    /// A burn would replace a seed on record.
    SeedOnRecord(Owned),
    /// A token that is to be tested is somebody's, or has a seed on record.
    NotSpare(Owned),
    /// The seed for a sync is another one than that on record.
    SeedMismatch(Owned),
    /// A burn would give the token to another user.
    OwnerOnRecord {
        /// The token, as the user knows it.
        token: String,
        /// The user on record.
        owner: String,
        /// The user to come.
        user: String,
    },
    /// The seed states another profile than the one on record.
    ProfileMismatch {
        /// The profile that the seed states.
        stated: Profile,
        /// The profile on record.
        had: Profile,
        /// The token.
        of: Owned,
    },
    /// A server's file has no field for the profile.
    ProfileNotCarried {
        /// The format's own words.
        detail: String,
        /// The token.
        token: Option<Info>,
    },
    /// A job whose end is not on record may have changed the profile.
    UnknownProfile {
        /// The deed that was begun.
        deed: Deed,
        /// When.
        at: UnixTime,
        /// The token.
        token: Info,
    },
    /// A slot that is to be burned shows that it holds a seed of which nothing is on record.
    SlotFilled(Info),
    /// A slot's seed would be taken out.
    ClearsSeed(Owned),
    /// A slot does not show what was written to it.
    SlotDiffers {
        /// The part that differs.
        what: &'static str,
        /// The slot.
        token: Info,
    },
    /// The token gets no row of the batch.
    LeftAlone,
    /// The clock is off right after it was set.
    Drift(Drift, Info),
    /// The clock has stopped.
    ClockStopped(Info),
    /// The code on the display is not one of the seed that was burned.
    WrongCode {
        /// The verdict on it.
        verdict: Box<Verdict>,
        /// How far around the expected time it was looked for, in seconds.
        window_s: u32,
        /// The token.
        token: Info,
    },
    /// The codes that a device typed are none of the seed that was burned.
    WrongCounter {
        /// The device.
        token: Info,
        /// How far they were looked for.
        look_ahead: u32,
    },
    /// Several tokens fit what was typed.
    SeveralFit {
        /// The typed text, made harmless.
        typed: String,
        /// How many.
        count: usize,
    },
    /// A file's rows are not those of its open batch.
    BatchChanged {
        /// The batch.
        name: String,
        /// When it was begun.
        begun: UnixTime,
    },
    /// An authentication server, before a token of its was worked with.
    Server(ServerError),
    /// Something at an authentication server was not done with a token, or with any.
    AtServer {
        /// The token, where it is one.
        serial: Option<String>,
        /// What stood in the way.
        why: Box<Hindrance>,
    },
    /// Some rows of a list could not be handed over to a server.
    RowsNotForServer {
        /// The server's name.
        server: String,
        /// How many.
        count: usize,
    },
    /// Some tokens cannot be handed over, and none was.
    NotHandedOver {
        /// How many cannot be.
        undone: usize,
        /// Of how many.
        of: usize,
    },
    /// A `.part` file contradicts the inventory.
    BatchContradicted {
        /// The row.
        row: u64,
        /// The token that the file names.
        serial: String,
        /// The token that the inventory names; none where it has another row for that token.
        on_record: Option<String>,
    },
}

/// A link that broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// The fault.
    pub fault: LinkFault,
    /// The exchange in which it happened.
    pub step: Step,
    /// The platform's words.
    pub detail: String,
    /// The token, if it had said who it is.
    pub token: Option<Info>,
}

/// Why a token is not written that would lose its seed, or whose own seed is to be burned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restriction {
    /// The model loses its seed at a clock write.
    Erases,
    /// A model that is not known may lose it.
    MayErase,
    /// It would lose the seed that the inventory keeps sealed.
    ErasesSealed,
    /// The seed is sealed, and no identity was named.
    Sealed,
    /// The inventory keeps no seed of it.
    NotKept,
    /// The sealed seed was not opened.
    Unopened(SealError),
    /// The sealed seed is one that no token can hold.
    Unusable(String),
}

/// Why a customer key that the inventory keeps is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptKey {
    /// It is sealed, and no identity was named.
    Sealed,
    /// It was not opened.
    Unopened(SealError),
    /// The device was about to get it then, and is not known to have it.
    InDoubt(UnixTime),
    /// The device has refused it, or accepted another one since.
    Refused,
    /// Another one is kept than was stated, and the device accepted that then.
    Another(UnixTime),
    /// None is kept, and one was to be opened.
    None,
}

/// A token with what is on record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The token.
    pub token: Info,
    /// Its user.
    pub user: Option<String>,
    /// When it was burned.
    pub burned: Option<UnixTime>,
}

impl Problem {
    /// Whether the host's clock is in doubt because tokens are off by the same hours: a person can say that it is right.
    #[must_use]
    pub fn is_same_hours(&self) -> bool {
        matches!(self, Self::HostClock(ClockProblem::SameHours { .. }))
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Internal(_) => Kind::Internal,
            Self::Usage(_) => Kind::Usage,
            Self::File(_) => Kind::File,
            Self::Emulator(_) => Kind::Emulator,
            Self::NoVirtualReader { .. } => Kind::NoService,
            Self::Reader(error) => of_reader(error),
            Self::Interrupted => Kind::Interrupted,
            Self::Inventory(error) => of_inventory(error),
            Self::ProfileUnread(_) | Self::InventoryDamaged { .. } => Kind::Inventory,
            Self::HostClock(_) => Kind::HostClock,
            Self::Link(broken) => match broken.fault {
                LinkFault::ServiceHangs => Kind::NoAnswer,
                LinkFault::Busy => Kind::ReaderBusy,
                LinkFault::Interrupted => Kind::Interrupted,
                _ => Kind::LinkLost,
            },
            Self::NotAwake(..) => Kind::NotAwake,
            Self::NotAToken(_) => Kind::NotAToken,
            Self::BadReply(..) => Kind::BadReply,
            Self::Garbled { .. } => Kind::Garbled,
            Self::WrongToken(_) => Kind::WrongToken,
            Self::TokenSwapped { .. } => Kind::TokenSwapped,
            Self::Refused(_) => Kind::Refused,
            Self::UnknownModel(_) => Kind::UnknownModel,
            Self::NoClock(_) => Kind::NoClock,
            Self::Restricted(..) => Kind::Restricted,
            Self::CustomerKey(..) => Kind::CustomerKey,
            Self::NoSeed { .. } => Kind::NoSeed,
            Self::WrongSeal(..) | Self::WrongSeals(_) => Kind::WrongSeal,
            Self::SeedOnRecord(_) => Kind::SeedOnRecord,
            Self::NotSpare(_) => Kind::NotSpare,
            Self::SeedMismatch(_) => Kind::SeedMismatch,
            Self::OwnerOnRecord { .. } => Kind::OwnerOnRecord,
            Self::ProfileMismatch { .. } => Kind::ProfileMismatch,
            Self::ProfileNotCarried { .. } => Kind::ProfileNotCarried,
            Self::UnknownProfile { .. } => Kind::UnknownProfile,
            Self::LeftAlone => Kind::LeftAlone,
            Self::SlotFilled(_) => Kind::SlotFilled,
            Self::SlotDiffers { .. } => Kind::SlotDiffers,
            Self::ClearsSeed(_) => Kind::SlotFilled,
            Self::Drift(..) => Kind::Drift,
            Self::ClockStopped(_) => Kind::ClockStopped,
            Self::WrongCode { verdict, .. } if verdict.kind() == VerdictKind::Drifted => Kind::Drift,
            Self::WrongCode { .. } | Self::WrongCounter { .. } => Kind::WrongCode,
            Self::SeveralFit { .. } => Kind::SeveralTokens,
            Self::BatchChanged { .. } => Kind::BatchChanged,
            Self::Server(_) => Kind::Server,
            Self::AtServer { .. } | Self::NotHandedOver { .. } | Self::RowsNotForServer { .. } => Kind::AtServer,
            Self::BatchContradicted { .. } => Kind::BatchContradicted,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.kind().exit()
    }

    /// Whether the token left, or is not awake yet, so that laying it back may be enough, as long as nothing was written.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Reader(error) => matches!(error, ReaderError::Left(_) | ReaderError::Mute(_)),
            Self::NotAwake(..) => true,
            Self::Link(broken) => {
                matches!(broken.fault, LinkFault::LeftBefore | LinkFault::Removed | LinkFault::NoAnswer)
            }
            _ => false,
        }
    }

    /// Whether the token refused the key just now: each further try may be its last.
    #[must_use]
    pub fn is_key_refused(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Key(..)))
    }
}

fn of_reader(error: &ReaderError) -> Kind {
    match error {
        ReaderError::NoService | ReaderError::ServiceStopped => Kind::NoService,
        ReaderError::NoAnswer => Kind::NoAnswer,
        ReaderError::NoReader | ReaderError::TakenByKernel(_) => Kind::NoReader,
        ReaderError::AccessDenied => Kind::AccessDenied,
        ReaderError::Busy(_) | ReaderError::Held(_) => Kind::ReaderBusy,
        ReaderError::NoSuchReader { .. } => Kind::NoSuchReader,
        ReaderError::Several(_) => Kind::SeveralTokens,
        ReaderError::NoToken { .. } | ReaderError::NoTokenNow => Kind::NoToken,
        ReaderError::Mute(_) => Kind::Mute,
        ReaderError::Device(..) => Kind::NotAToken,
        ReaderError::NotThere(..) => Kind::NoToken,
        ReaderError::Left(_) => Kind::LinkLost,
        ReaderError::Interrupted => Kind::Interrupted,
        ReaderError::Other(_) => Kind::Reader,
    }
}

fn of_inventory(error: &InventoryError) -> Kind {
    match error {
        InventoryError::InUse { .. } | InventoryError::Changed(_) => Kind::TokenBusy,
        InventoryError::Held(_) => Kind::SeedHeld,
        _ => Kind::Inventory,
    }
}
