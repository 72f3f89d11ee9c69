//! Bytes that nobody vouches for, through everything that takes any: the bodies of the fuzz targets, which include this
//! file, and of the test that replays the stored corpus.

use std::cell::RefCell;
use std::sync::Arc;

use tokentap::clock::Drift;
use tokentap::device::hotp_key::HotpKey;
use tokentap::device::molto2::Molto2;
use tokentap::device::token2::NfcToken;
use tokentap::device::token2::parse_info;
use tokentap::device::{Device, Family, Info, Key, Profile, Title};
use tokentap::emulator::{Card, CardState, Emulated, EmulatedKey, EmulatedMolto2, KeyState, MoltoState, TokenClock};
use tokentap::inventory::{Deed, Station};
use tokentap::iso7816::Response;
use tokentap::job::device_change::{ChangeRequest, DeviceChange, change_device};
use tokentap::job::request::{BurnRequest, ConfigRequest, SlotRequest, SyncRequest, Terms};

use tokentap::job::{
    Again, Beginning, ClockPlan, ConfigPlan, Failure, Front, Guard, Hooks, Notice, ProfileFrom, Recorder, SeedChoice,
    SingleWrite, SlotWish, TokenState, WritePlan, read, read_slot, read_slots, write,
};
use tokentap::link::{Link, LinkError, LinkFault};
use tokentap::report;
use tokentap::report::WORDING;
use tokentap::seed::Seed;
use tokentap::seedfile::Row;
use tokentap::time::{HostClock, SimulatedClock, UnixTime};

/// 2026-11-23, as in the tests.
const NOW_NS: i64 = 1_795_454_228_300_000_000;

/// The families of seed files that are fuzzed together: those that share a reader.
pub const FAMILIES: [(&str, &[&str]); 4] = [
    (
        "tables",
        &[
            "csv",
            "entra",
            "duo",
            "privacyidea",
            "linotp",
            "netiq",
            "pingid",
            "webadm",
            "molto2",
            "logins",
            "yubico",
            "privacyidea-yaml",
        ],
    ),
    ("json", &["graph", "aegis", "2fas", "accounts"]),
    ("xml", &["pskc", "safenet"]),
    ("uris", &["otpauth", "otpauth-migration"]),
];

/// A seed file of one of the families: every row or problem is read, and what was read is written back to nowhere.
pub fn seed_file(family: &str, data: &[u8]) {
    for (_, formats) in FAMILIES.iter().filter(|(name, _)| *name == family) {
        tokentap::seedfile::read_arbitrary(formats, data);
    }
}

/// A response APDU and the answer to get info: what they say of themselves must fit what came.
pub fn replies(data: &[u8]) {
    if let Ok(response) = Response::parse(data.to_vec()) {
        assert_eq!(response.data.len() + 2, data.len());
        if let Ok(info) = parse_info(&response.data) {
            assert!(response.data.len() >= info.serial.as_str().len() + 10);
            assert!(info.serial.as_str().chars().all(|c| c.is_ascii_graphic() || c == ' '));
        }
    }
    let _ = parse_info(data);
}

/// Commands for the emulated token, each with its length in front: without the key nothing changes but its wrong answers.
pub fn emulator(data: &[u8]) {
    let clock = SimulatedClock::new(UnixTime::from_timestamp_nanos(NOW_NS));
    let mut state = CardState::new("86596220005678", true, TokenClock::new(NOW_NS, -97.25, 12.0, false));
    state.seed = "00112233445566778899".to_owned();
    let shared: Arc<dyn HostClock> = Arc::new(clock);
    let mut card = Card::new(state.clone(), shared);
    for command in pieces(data) {
        let reply = card.transmit(command);
        assert!((2..=258).contains(&reply.len()), "a reply has a status word and at most 256 bytes in front of it");
        if command.first() == Some(&0xFF) {
            card.reset();
        }
    }
    let unchanged = CardState { wrong_answers: state.wrong_answers, ..card.state().clone() };
    assert!(unchanged == state, "without authentication nothing changes");
}

/// Pieces of `data`, each behind a byte with its length.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first()?;
        let (piece, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        data = rest;
        Some(piece)
    })
}

/// A card whose answers come from `data`, whatever it is asked. An empty piece is a link that breaks.
struct AnyCard<'a> {
    answers: Box<dyn Iterator<Item = &'a [u8]> + 'a>,
    /// A write may have been carried out.
    may_be_written: bool,
}

impl Link for AnyCard<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let is_write = match command {
            [0x84, ..] | [0x80, 0xE6 | 0x56, ..] | [0x80, 0xC5, 0x00, ..] => true,
            [0x80, 0xC5, 0x02, what, ..] => *what != 0,
            _ => false,
        };
        let answer = match self.answers.next() {
            None => Err(LinkFault::LeftBefore),
            Some([]) => Err(LinkFault::Removed),
            Some([0]) => Err(LinkFault::Reset),
            Some([1]) => Err(LinkFault::NoAnswer),
            Some([2]) => Err(LinkFault::TimedOut),
            Some([3]) => Err(LinkFault::ReaderGone),
            Some(bytes) => Ok(bytes.to_vec()),
        };
        if is_write && !matches!(answer, Err(LinkFault::LeftBefore | LinkFault::Reset)) {
            self.may_be_written |= match &answer {
                // Anything but a plain refusal (ISO/IEC 7816-4, section 5.1.3: 65 XX changes memory).
                Ok(bytes) => !matches!(bytes.as_slice(), [.., 0x64 | 0x67..=0x6E, _]),
                Err(_) => true,
            };
        }
        answer.map_err(|fault| LinkError::new(fault, "as the data has it"))
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn close(&mut self) {}
}

/// A whole job against a card that answers anything: it ends, and never says "nothing was written" of a card that may
/// have been. The first byte chooses the job.
pub fn session(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let host = SimulatedClock::new(UnixTime::from_timestamp_nanos(NOW_NS));
    let mut card = AnyCard { answers: Box::new(pieces(rest)), may_be_written: false };
    let fine = choice & 1 != 0;
    let seed =
        (choice & 2 != 0).then(|| Seed::from_bytes(b"a seed of 20 bytes..".to_vec()).expect("20 bytes are a seed"));
    if choice & 4 != 0 {
        if let Err(failure) = read(&mut NfcToken(&mut card), &host, &Guard::default(), fine) {
            check_told(&failure, &card);
        }
        return;
    }
    let config = ConfigPlan { profile: Profile::FACTORY, from: ProfileFrom::Factory, clock: ClockPlan::Now };
    let plan = WritePlan {
        slot: 0,
        wish: SlotWish::default(),
        config: (choice & 8 == 0 || seed.is_none()).then_some(config),
        seed,
        erase_seed: choice & 16 != 0,
        shares_seed: false,
        if_drift_over: (choice & 32 != 0).then_some(2.0),
        fine,
        guard: Guard { expect_serial: None, allow_unknown_model: choice & 64 != 0 },
        key: Key::default(),
        tries_again: false,
        stated: tokentap::job::ProfileWish::default(),
        again: Again::Same,
    };
    let mut complete = |_: &Info, _: &mut WritePlan| Ok(());
    let mut record = |_: &Info, _: &WritePlan, _: Option<Drift>| Ok(Beginning::Now);
    let mut hooks = Hooks { complete: &mut complete, record: &mut record, interrupted: &|| false };
    if let Err(failure) = write(&mut NfcToken(&mut card), &host, &plan, &mut hooks) {
        check_told(&failure, &card);
    }
}

fn check_told(failure: &Failure, card: &AnyCard<'_>) {
    assert!(!report::fact(&failure.problem).is_empty() && !report::next(failure).is_empty(), "{failure:?}");
    assert!(failure.state != TokenState::Untouched || !card.may_be_written, "{failure:?}");
}

/// A job on a slot or a whole device against one that answers anything, or commands for an emulated one: the first byte
/// chooses the family and the job, the second the slot.
pub fn devices(data: &[u8]) {
    let [choice, second, rest @ ..] = data else { return };
    let (is_key, job, slot) = (choice & 1 != 0, choice >> 1 & 7, u16::from(*second));
    let host = SimulatedClock::new(UnixTime::from_timestamp_nanos(NOW_NS));
    if job == 7 {
        let truth: Arc<dyn HostClock> = Arc::new(host);
        if is_key {
            commands(EmulatedKey::switched_on(KeyState::new("66103012345678"), truth), rest);
        } else {
            let clock = TokenClock::new(NOW_NS, -97.0, 0.0, false);
            commands(EmulatedMolto2::switched_on(MoltoState::new("826658719844499", 50, clock), truth), rest);
        }
        return;
    }
    let mut card = AnyCard { answers: Box::new(pieces(rest)), may_be_written: false };
    let result = if is_key {
        job_on(&mut HotpKey(&mut card), Family::HotpKey, job, slot, &host)
    } else {
        job_on(&mut Molto2(&mut card), Family::Molto2, job, slot, &host)
    };
    if let Err(failure) = result {
        check_told(&failure, &card);
    }
}

/// Commands for an emulated device, each with its length in front.
fn commands(mut device: impl Emulated, data: &[u8]) {
    for command in pieces(data) {
        let reply = device.transmit(command);
        assert!((2..=258).contains(&reply.len()), "a reply has a status word and at most 256 bytes in front of it");
        if command.first() == Some(&0xFF) {
            device.reset();
        }
    }
}

fn job_on(device: &mut dyn Device, family: Family, job: u8, slot: u16, host: &dyn HostClock) -> Result<(), Failure> {
    let wish = match job {
        1 => SlotWish { digits: Some(8), ..SlotWish::default() },
        2 => SlotWish { clears: true, ..SlotWish::default() },
        3 => SlotWish { title: Title::new("Office", 12).ok(), ..SlotWish::default() },
        _ => SlotWish::default(),
    };
    let terms = Terms { slot, family, wish, ..Terms::default() };
    let seed = Seed::from_bytes(b"a seed of 20 bytes..".to_vec()).expect("20 bytes are a seed");
    let write = match job {
        0 => {
            let seed = Some(SeedChoice::One(Box::new(Row::of_seed(seed))));
            BurnRequest { seed, terms, ..BurnRequest::default() }.prepare()?
        }
        1 => ConfigRequest { terms, ..ConfigRequest::default() }.prepare()?,
        2 | 3 => SlotRequest { erase_seed: job == 2, terms }.prepare()?,
        4 => SyncRequest { terms, ..SyncRequest::default() }.prepare()?,
        5 if slot > 100 => return read_slots(device, host, &Guard::default()).map(|_| ()),
        5 => return read_slot(device, host, &Guard::default(), slot).map(|_| ()),
        _ => return change(device, slot, host),
    };
    run(write, device, host)
}

fn run(write: SingleWrite, device: &mut dyn Device, host: &dyn HostClock) -> Result<(), Failure> {
    let recorder = no_books(write.deed);
    let tell = |_: Notice| ();
    let mut before = |_: &Info, _: &WritePlan| Ok(());
    let mut front = Front { tell: &tell, confirm: None, before: &mut before, interrupted: &|| false };
    write.run(device, host, recorder, &mut front).map(|_| ())
}

fn change(device: &mut dyn Device, which: u16, host: &dyn HostClock) -> Result<(), Failure> {
    let change = match which % 5 {
        0 => DeviceChange::LockScreen(true),
        1 => DeviceChange::LockScreen(false),
        2 => DeviceChange::Nothing,
        3 => DeviceChange::Reset,
        _ => DeviceChange::Key(Key::Factory),
    };
    let (guard, key, mut before) = (Guard::default(), Key::default(), |_: &Info| Ok(()));
    let mut request = ChangeRequest {
        change: &change,
        guard: &guard,
        key: &key,
        opener: None,
        text: None,
        new_text: None,
        tries_again: false,
        before: &mut before,
    };
    change_device(device, host, &no_books(Deed::Device), &mut request).map(|_| ())
}

fn no_books(deed: Deed) -> Recorder<'static> {
    let (station, user) = (Station::default(), RefCell::default());
    Recorder { books: None, station, emulated: true, deed, user, remark: None, wording: WORDING }
}
