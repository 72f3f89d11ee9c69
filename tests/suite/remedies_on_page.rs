//! What is said at the page about what to do next: what is done there, and what is not.

use std::path::PathBuf;

use tokentap::clock::ClockRemedy;
use tokentap::device::Serial;
use tokentap::inventory::RecordRemedy;
use tokentap::job::remedy::{Again, BatchRemedy, Remedy, SlotRemedy, TokenRemedy};
use tokentap::job::server::Hindrance;
use tokentap::reader::{DeviceKind, ReaderRemedy};
use tokentap::report::{Audience, remedy};
use tokentap::seedfile::FileRemedy;
use tokentap::server::{ServerError, ServerKind, ServerRemedy};
use tokentap::time::{HostClock, SystemClock};

use crate::support::{text, tokentap};

fn serial() -> Serial {
    Serial::new("86596120000123").unwrap()
}

fn of_tokens() -> Vec<TokenRemedy> {
    use TokenRemedy as T;
    let again = || Again::DeskVisit;
    vec![
        T::LayBack(again()),
        T::WakeUp(again()),
        T::Restart(Again::Same),
        T::PlugBackIn(Again::SameTwice),
        T::CloseOthers,
        T::StopAtRefusal,
        T::ReportRefusal,
        T::ReportModel,
        T::OtherKey,
        T::OtherKeyOrTryAgain,
        T::PlugIn(Again::WithoutDriftBound),
        T::TakeOffFirst,
        T::FreeReader,
        T::LayToken,
        T::LayAlone,
        T::LeaveOne,
        T::LayThis(serial()),
        T::NameReaderOf(serial()),
        T::Swap { found: "a card".to_owned(), token: serial(), again: Again::BatchVisit },
        T::TakeOff,
        T::AllowUnknownModel,
        T::BurnOnly,
        T::Reassign,
        T::ChooseRow,
        T::UseItsFile,
        T::SupplySeed,
        T::SupplySeedOrErase,
        T::OpenSeal,
        T::OpenAndCheckSeals,
        T::SupplyInstead,
        T::DistrustSeal,
        T::DistrustExport,
        T::SupplyOwnOrReplace,
        T::SeeAndReplace("86596120000123".to_owned()),
        T::SpareOrReplace(serial()),
        T::TestAgain,
        T::StateProfile { hash: "SHA1".to_owned(), step_s: 30 },
        T::StateProfileOrBurn,
        T::StateProfileOrNoInventory,
        T::CheckAgain,
        T::Replace,
        T::AgainThenReplace(again()),
        T::AgainThenReport(again()),
        T::KeepHostClock(again()),
        T::SetEarlierAgain(serial()),
        T::Slot(SlotRemedy::CheckSlot),
        T::Slot(SlotRemedy::OpenCustomerKey),
        T::Slot(SlotRemedy::NameKey),
        T::UseSerial,
        T::Find,
        T::OrChooseRow,
    ]
}

fn of_readers() -> Vec<ReaderRemedy> {
    use ReaderRemedy as R;
    vec![
        R::StartService,
        R::RestartService,
        R::CompareVersions,
        R::PlugIn,
        R::FreeFromKernel,
        R::AllowUser,
        R::CloseHolder,
        R::WaitForOther,
        R::UseOneOf(Vec::new()),
        R::UseOneOf(vec!["ACS ACR122U 00 00".to_owned()]),
        R::Choose,
        R::LayDown,
        R::WakeUp,
        R::ReplaceTag,
        R::UseVendorTool,
        R::NameMolto2,
        R::NameKey,
        R::PlugInDevice(DeviceKind::Molto2),
        R::LayOnNfc,
        R::LayBack,
        R::Again,
        R::Diagnose,
    ]
}

fn of_records() -> Vec<RecordRemedy> {
    use RecordRemedy as R;
    let path = || PathBuf::from("/home/ada/inventory.db");
    vec![
        R::Name,
        R::NameDatabase,
        R::HaveUpgraded,
        R::OtherName,
        R::CopyIntoNew,
        R::SeeDesks,
        R::SeeServer,
        R::TryLater,
        R::MoveOutboxAside,
        R::ShowToOwner,
        R::SeeServerThenShow,
        R::AskOwner,
        R::NameWritable,
        R::NameAnother,
        R::NameInOwnFolder,
        R::NameLocal,
        R::PutBackup,
        R::LaterVersion,
        R::CloseOther,
        R::MakeRoom,
        R::LookAndCheck,
        R::CheckOrNameAnother,
        R::PutBack,
        R::LayBackForRow,
        R::WaitForOther,
        R::AgainJoining,
        R::SeeAndVerify,
        R::CorrectFile,
        R::Again,
        R::OwnOrTakeOver(path()),
        R::SeeCertificate,
        R::KeepFileToOneself { file: path(), inventory: path() },
        R::KeepFolderToOneself { folder: path(), inventory: path() },
        R::RemoveForeign { file: path(), inventory: path() },
        R::RemoveOtherName(path()),
        R::SeeHolder("86596120000123".to_owned()),
        R::ConfirmNoRecipients(path()),
        R::ConfirmRecipients(path(), Vec::new()),
        R::PutBackBesideLog(path()),
    ]
}

fn of_servers() -> Vec<Remedy> {
    use Hindrance as H;
    use ServerRemedy as S;
    let now = SystemClock::new().now().wall;
    let taken = |is_older| H::Taken { user: None, is_older };
    let hindrances = vec![
        H::Unseen,
        H::NotBurned,
        H::Erased(now),
        H::Unfinished(now),
        H::NoSeedAtHand,
        H::Unusable("8 digits".to_owned()),
        taken(true),
        taken(false),
        H::RemovedThere,
        H::UnassignedThere,
        H::OtherProfileThere,
        H::OffThere,
        H::Several(2),
        H::NoUser("ada".to_owned()),
        H::SeveralUsers("ada".to_owned(), 2),
        H::OthersThere { there: "ada".to_owned(), here: "bob".to_owned() },
        H::SharedThere(2),
        H::Unsettled { sent: now, certain: now },
        H::Busy,
        H::Stopped,
        H::Server(ServerError::Absent("pi.example.org".to_owned())),
        H::CodeRefused,
        H::NotThere,
        H::OtherSeedThere,
        H::SeedUnproven,
        H::OtherKind,
        H::NoCall,
    ];
    let at_server = |why| Remedy::AtServer { server: "pi".to_owned(), serial: "123".to_owned(), why: Box::new(why) };
    let remedies = [
        S::Reach,
        S::Certificate,
        S::LookAgain,
        S::Later,
        S::Address,
        S::Account,
        S::Rights,
        S::Words,
        S::SignInInTime,
        S::OtherKind(ServerKind::Duo),
        S::Environment,
    ];
    let at = |remedy| Remedy::Server { name: "pi".to_owned(), remedy };
    hindrances.into_iter().map(at_server).chain(remedies.into_iter().map(at)).collect()
}

/// Whether each command and each flag is said to be for a terminal, or each flag for the start of the page, which has it.
fn is_placed(words: &str, flags_of_web: &[String]) -> bool {
    let at_start = "start it again with ";
    let words = &words.replace("without --kiosk", "");
    let commands = words.match_indices("tokentap ").filter(|(at, _)| !words[*at..].starts_with("tokentap web"));
    let flags = words.match_indices(" --").chain(words.match_indices("(--"));
    let mut of_start = words
        .split(at_start)
        .skip(1)
        .flat_map(|rest| crate::remedies::flags(rest.split("in a terminal").next().unwrap()));
    let said_before = |at: usize| words[..at].contains("in a terminal") || words[..at + 1].contains(at_start);
    commands.clone().all(|(at, _)| words[..at].contains("in a terminal") || words[..at].ends_with("stop "))
        && flags.into_iter().all(|(at, _)| said_before(at))
        && of_start.all(|flag| flags_of_web.contains(&flag))
}

#[test]
fn nobody_at_the_page_is_told_a_command_or_a_flag_without_where_it_is_typed() {
    use BatchRemedy as B;
    use ClockRemedy as C;
    use FileRemedy as F;
    let batches = [
        B::PutRowsBack,
        B::FindOut,
        B::StateProfileOrFormat,
        B::SeeFile,
        B::SeeDisk,
        B::SeeFolder,
        B::Correct,
        B::Check,
        B::OtherMachine,
        B::MovePartAside,
        B::StopOrOtherFile,
        B::OtherFileOrForce,
        B::OwnFile,
        B::SeeFolderUnchanged,
        B::NameFirst(PathBuf::from("/home/ada/duo.csv")),
        B::PutPartBack(PathBuf::from("/home/ada/duo.csv.part")),
    ];
    let files = [F::StateEncoding, F::IfCounter, F::ShareSecret, F::WholeSecret, F::SkipUnusable, F::AsPicture];
    let clocks = [C::Set, C::Synchronise, C::Compare, C::Correct, C::OtherServer];
    let again = [Again::Same, Again::SameTwice, Again::WithoutDriftBound];
    let all = (of_tokens().into_iter().map(Remedy::from))
        .chain(of_readers().into_iter().map(Remedy::from))
        .chain(of_records().into_iter().map(Remedy::from))
        .chain(batches.into_iter().map(Remedy::from))
        .chain(files.into_iter().map(Remedy::from))
        .chain(clocks.into_iter().map(Remedy::from))
        .chain(again.into_iter().map(Remedy::from))
        .chain(of_servers())
        .chain([Remedy::Report]);
    let help = tokentap().args(["web", "--help"]).output().unwrap();
    let flags_of_web = crate::remedies::flags(&text(&help));
    assert!(flags_of_web.len() > 10, "{flags_of_web:?}");
    let mut lost = Vec::new();
    for one in all {
        for audience in [Audience::Page, Audience::Kiosk] {
            let words = remedy(&one, audience);
            if words.is_empty() || words.contains("same command") || !is_placed(&words, &flags_of_web) {
                lost.push(format!("{one:?}: {words}"));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
