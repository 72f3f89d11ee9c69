//! Remedies, as data: the command line turns one into a command, a page into a button.

use std::path::PathBuf;

use super::server::Hindrance;
use crate::clock::ClockRemedy;
use crate::device::Serial;
use crate::inventory::RecordRemedy;
use crate::reader::ReaderRemedy;
use crate::seedfile::FileRemedy;
use crate::server::ServerRemedy;

/// The command that a job is repeated with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// The same command.
    Same,
    /// The same command, which does no harm on a token that is written already.
    SameTwice,
    /// The same command, without the bound on the drift: the clock may be right while the seed is missing.
    WithoutDriftBound,
    /// The next visit at a batch's reader.
    BatchVisit,
    /// The next visit at a desk.
    DeskVisit,
    /// The same command with a file that keeps the new seed, instead of making another one.
    WithKeptSeed(PathBuf),
}

/// Something that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Plain words of the front end itself, about what was typed there.
    Words(String),
    /// At the reader.
    Reader(ReaderRemedy),
    /// About the host's clock.
    Clock(ClockRemedy),
    /// About the inventory.
    Record(RecordRemedy),
    /// About a seed file.
    File(FileRemedy),
    /// About the token in hand.
    Token(TokenRemedy),
    /// About a batch.
    Batch(BatchRemedy),
    /// About an authentication server.
    Server {
        /// The name that it has here.
        name: String,
        /// What helps there.
        remedy: ServerRemedy,
    },
    /// About what stands in a token's way to a server.
    AtServer {
        /// The server's name.
        server: String,
        /// The token; empty where it is about all.
        serial: String,
        /// What stands in the way.
        why: Box<Hindrance>,
    },
    /// Run it again.
    Again(Again),
    /// Continue an interrupted job with it.
    Continue(Again),
    /// For another try, run this.
    Retry(Again),
    /// Report the message.
    Report,
    /// Start the virtual reader, or do without.
    StartVirtualReader,
}

/// Something that is done with the token in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRemedy {
    /// Switch it on, lay it back, and run it again.
    LayBack(Again),
    /// Press its button until the display lights, lay it back, and run it again.
    WakeUp(Again),
    /// Take it off, switch it on, lay it back, and run it again.
    Restart(Again),
    /// Unplug it, plug it in again, and run it again.
    PlugBackIn(Again),
    /// Close other programs that use the reader.
    CloseOthers,
    /// Do not try again if it refuses again.
    StopAtRefusal,
    /// Report a second refusal with a trace.
    ReportRefusal,
    /// Report a model that cannot be written, with a trace.
    ReportModel,
    /// Do not try the key again; another one may be needed.
    OtherKey,
    /// Use the key that the token has; only if it is this one, try it again.
    OtherKeyOrTryAgain,
    /// Plug in the reader, look at it, and run it again.
    PlugIn(Again),
    /// If the token is on the reader, take it off first.
    TakeOffFirst,
    /// Take it off, switch it off and on, close the program that holds the reader, and run it again.
    FreeReader,
    /// Remove what is there and lay a programmable token on the reader.
    LayToken,
    /// Take other cards away and lay the token down alone.
    LayAlone,
    /// Leave one token on the reader.
    LeaveOne,
    /// Lay this token on the reader.
    LayThis(Serial),
    /// Another device is plugged in: plug this one in, or name its reader.
    NameReaderOf(Serial),
    /// Take the other token away, lay this one back, and run it again.
    Swap {
        /// The token that is there.
        found: String,
        /// The token that was written.
        token: Serial,
        /// The command to run.
        again: Again,
    },
    /// Take it off.
    TakeOff,
    /// Only if its kind is known for certain: allow the unknown model.
    AllowUnknownModel,
    /// Only a burn changes anything on a device that counts.
    BurnOnly,
    /// Give it to the other user.
    Reassign,
    /// Choose a row of the seed file, or use the file with this token.
    ChooseRow,
    /// Use the file that has the token's seed.
    UseItsFile,
    /// Supply the seed.
    SupplySeed,
    /// Supply the seed, or accept that it is lost.
    SupplySeedOrErase,
    /// Open the sealed seed, or supply it.
    OpenSeal,
    /// Name the identity that opens the sealed seed, and look at all seals with it.
    OpenAndCheckSeals,
    /// Supply the seed instead of opening the sealed one.
    SupplyInstead,
    /// Do not burn the sealed seed: the inventory was changed.
    DistrustSeal,
    /// Do not use the exported seeds: the inventory was changed.
    DistrustExport,
    /// Supply the seed that it has; a new one is burned.
    SupplyOwnOrReplace,
    /// See whose seed it is; replace it only if the server gets the new one too.
    SeeAndReplace(String),
    /// Test another token, a spare one; see whose this one is, and test it only if nobody needs it.
    SpareOrReplace(Serial),
    /// Test it again, or burn it.
    TestAgain,
    /// State the profile that the server has, or correct the seed file.
    StateProfile {
        /// The hash on record, as its flag takes it.
        hash: String,
        /// The time step on record, in seconds.
        step_s: u32,
    },
    /// State hash and time step as the server has them, or burn it again.
    StateProfileOrBurn,
    /// State the profile, or do without the inventory.
    StateProfileOrNoInventory,
    /// Check its code again, then burn it again.
    CheckAgain,
    /// Give its user another token.
    Replace,
    /// Run it again; if the clock stays off, it is broken.
    AgainThenReplace(Again),
    /// Run it again; if the device shows the same again, report it.
    AgainThenReport(Again),
    /// See that the host's clock is right and stays so, and run it again.
    KeepHostClock(Again),
    /// See that the host's clock is right, set the token before again, and run it again.
    SetEarlierAgain(Serial),
    /// Something about a slot, or the device that it is of.
    Slot(SlotRemedy),
    /// Name the token by one of the serials.
    UseSerial,
    /// Name a token that is on record.
    Find,
    /// Or choose the row that is meant.
    OrChooseRow,
}

/// Something that is done about a slot of a device, or with that device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotRemedy {
    /// Check the code that the slot shows again, then burn it again.
    CheckSlot,
    /// Say that the seed may be lost, if it is nobody's.
    AcceptLoss,
    /// Check two codes of a device that counts again, then burn it again.
    CheckCounter,
    /// Burn another slot; replace the seed only if nobody uses it.
    OtherSlotOrReplace,
    /// Replace the seed only if nobody uses it; there is no other slot.
    Replace,
    /// Use the customer key that the device has; only if it is this one, try it again.
    OtherCustomerKeyOrTryAgain,
    /// Do not try the customer key again; another one may be needed.
    OtherCustomerKey,
    /// Try the new customer key once; the old one counts where it is refused.
    TryNewKeyOnce,
    /// Open the customer key that the inventory keeps, or name it.
    OpenCustomerKey,
    /// Open the customer key that the inventory keeps; only if the stated one is the device's, try it all the same.
    OpenOrTryAgain,
    /// Name the customer key that the device has, its factory's or its own.
    NameKey,
    /// Name it, or try the kept ones again, one by one.
    NameKeyOrTryKept,
    /// See whether the device has the latest key that is kept, in one attempt.
    CheckKeptKey,
    /// The new key does not count: use the one of before, or set the new one again.
    UseKeyOfBefore,
    /// Use a slot that the device has.
    SlotThatIsThere,
    /// See whether its firmware has a screen lock.
    SeeFirmware,
    /// Remove the PIN for codes with the vendor's tool.
    RemoveCodePin,
    /// Switch the key's keyboard on.
    SwitchKeyboardOn,
    /// Name one of the device's slots.
    UseSlot,
}

impl From<SlotRemedy> for Remedy {
    fn from(remedy: SlotRemedy) -> Self {
        Self::Token(TokenRemedy::Slot(remedy))
    }
}

/// Something that is done about a batch and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchRemedy {
    /// Put the rows back, or leave the batch for good.
    PutRowsBack,
    /// Use the newest inventory, or check both tokens and start anew.
    FindOut,
    /// State the profile as the server has it, or use another format.
    StateProfileOrFormat,
    /// See that the file can be read.
    SeeFile,
    /// See that the disk has room.
    SeeDisk,
    /// See that the folder can be written and the disk has room.
    SeeFolder,
    /// Correct what is named.
    Correct,
    /// Check the inventory.
    Check,
    /// Use another machine for seeds.
    OtherMachine,
    /// Move a `.part` file aside, which may be the only copy of its seeds.
    MovePartAside,
    /// Stop if the inventory was lost or restored: the rows are on tokens; otherwise use another file.
    StopOrOtherFile,
    /// Name this file first.
    NameFirst(PathBuf),
    /// Use another file, or overwrite it.
    OtherFileOrForce,
    /// Use a file of its own: secrets go through no link and to no device.
    OwnFile,
    /// See that the folder can be written; nothing was changed.
    SeeFolderUnchanged,
    /// Put the `.part` file back, or export the sealed seeds.
    PutPartBack(PathBuf),
}

impl Remedy {
    /// The command that it ends with, where it says one.
    #[must_use]
    pub fn again(&self) -> Option<&Again> {
        match self {
            Self::Again(again) | Self::Continue(again) | Self::Retry(again) => Some(again),
            Self::Token(
                TokenRemedy::LayBack(again)
                | TokenRemedy::WakeUp(again)
                | TokenRemedy::Restart(again)
                | TokenRemedy::PlugIn(again)
                | TokenRemedy::PlugBackIn(again)
                | TokenRemedy::Swap { again, .. }
                | TokenRemedy::AgainThenReplace(again)
                | TokenRemedy::AgainThenReport(again)
                | TokenRemedy::KeepHostClock(again),
            ) => Some(again),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($of:ty => $variant:ident),+) => {
        $(impl From<$of> for Remedy {
            fn from(remedy: $of) -> Self {
                Self::$variant(remedy)
            }
        })+
    };
}

from! {
    ReaderRemedy => Reader, ClockRemedy => Clock, RecordRemedy => Record, FileRemedy => File, TokenRemedy => Token,
    BatchRemedy => Batch, Again => Again, String => Words
}

impl From<&str> for Remedy {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}
