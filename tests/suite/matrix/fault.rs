//! What goes wrong, and a link to an emulated token on which it does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokentap::emulator::EmulatedLink;
use tokentap::link::{Link, LinkError, LinkFault};
use tokentap::time::SimulatedClock;

/// A token that several links lead to, one after the other.
pub type Shared = Arc<Mutex<EmulatedLink>>;

/// What goes wrong at one APDU.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The token has left, and PC/SC says so before it sends anything.
    GoneBefore,
    /// The token leaves before it has carried the command out; all that is known is that no answer came.
    LostBefore,
    /// The token carries the command out and leaves before it answers.
    LostAfter,
    /// One answer is lost; the token stays.
    AnswerLost,
    /// The token leaves and is back at once, switched off and on.
    AwayAndBack,
    /// Another token lies there; PC/SC reports a reset.
    AnotherBack,
    /// Another program resets the token.
    ResetByOther,
    /// The token does nothing and answers with this status word.
    Word(u8, u8),
    /// 61 XX, and GET RESPONSE fetches the answer.
    MoreData,
    /// 61 XX, and GET RESPONSE is refused.
    MoreDataRefused,
    /// 6C XX, and the command is to be repeated with this Le.
    WrongLe,
    /// The token does nothing and answers with so many bytes of 90.
    Length(usize),
    /// The token does nothing and answers with bytes that mean nothing.
    Noise,
    /// The serial's length in an answer to get info is longer than the answer.
    InfoTooLong,
    /// The serial's length in an answer to get info is shorter than the serial.
    InfoTooShort,
    /// The clock in an answer to get info is 100 s earlier than it was.
    ClockBack,
    /// The command takes 5 s to reach the token.
    LateThere,
    /// The answer takes 5 s.
    Late,
    /// The token does nothing and answers with these bytes.
    Bytes(Vec<u8>),
}

/// The status words of the table.
const WORDS: [(u8, u8); 7] =
    [(0x69, 0x83), (0x6A, 0x80), (0x67, 0x00), (0x6D, 0x00), (0x6E, 0x00), (0x63, 0x00), (0x6F, 0x00)];

/// The Le that 6C XX asks for.
const WRONG_LE: u8 = 0x10;

/// Seven bytes without a meaning; the last two are no status word that ISO/IEC 7816-4 knows.
const NOISE: [u8; 7] = [0xA7, 0x3C, 0x19, 0xE2, 0x5F, 0x80, 0x4D];

impl Fault {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::GoneBefore,
            Self::LostBefore,
            Self::LostAfter,
            Self::AnswerLost,
            Self::AwayAndBack,
            Self::AnotherBack,
            Self::ResetByOther,
        ];
        all.extend(WORDS.map(|(sw1, sw2)| Self::Word(sw1, sw2)));
        all.extend([Self::MoreData, Self::MoreDataRefused, Self::WrongLe]);
        all.extend([0, 1, 300].map(Self::Length));
        all.extend([Self::Noise, Self::InfoTooLong, Self::InfoTooShort, Self::ClockBack, Self::LateThere, Self::Late]);
        all
    }

    /// Faults that have one name together in the page, where all of them end alike.
    pub fn families() -> [(&'static str, Vec<Self>); 3] {
        [
            (
                "link lost",
                vec![
                    Self::GoneBefore,
                    Self::LostBefore,
                    Self::LostAfter,
                    Self::AnswerLost,
                    Self::AwayAndBack,
                    Self::MoreDataRefused,
                ],
            ),
            ("refused", WORDS.map(|(sw1, sw2)| Self::Word(sw1, sw2)).to_vec()),
            ("cut or swollen", [0, 1, 300].map(Self::Length).to_vec()),
        ]
    }

    /// Its name in the page.
    pub fn name(&self) -> String {
        match self {
            Self::GoneBefore => "gone before".to_owned(),
            Self::LostBefore => "lost before".to_owned(),
            Self::LostAfter => "lost after".to_owned(),
            Self::AnswerLost => "answer lost".to_owned(),
            Self::AwayAndBack => "away and back".to_owned(),
            Self::AnotherBack => "another token".to_owned(),
            Self::ResetByOther => "reset".to_owned(),
            Self::Word(sw1, sw2) => format!("{sw1:02X}{sw2:02X}"),
            Self::MoreData => "61XX".to_owned(),
            Self::MoreDataRefused => "61XX refused".to_owned(),
            Self::WrongLe => "6CXX".to_owned(),
            Self::Length(0) => "empty".to_owned(),
            Self::Length(1) => "1 byte".to_owned(),
            Self::Length(length) => format!("{length} bytes"),
            Self::Noise => "noise".to_owned(),
            Self::InfoTooLong => "length too long".to_owned(),
            Self::InfoTooShort => "length too short".to_owned(),
            Self::ClockBack => "clock back".to_owned(),
            Self::LateThere => "late there".to_owned(),
            Self::Late => "late back".to_owned(),
            Self::Bytes(bytes) => format!("{bytes:02X?}"),
        }
    }

    /// Whether it can happen at this command: some faults are about the answer to get info.
    pub fn fits(&self, step: Step) -> bool {
        let is_info = matches!(step, Step::Info | Step::Poll | Step::ReadBack);
        is_info || !matches!(self, Self::InfoTooLong | Self::InfoTooShort | Self::ClockBack)
    }
}

/// An APDU by its place in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Get info, before anything else.
    Info,
    /// Get info again, before anything is written: polls for a tick.
    Poll,
    Challenge,
    Answer,
    Config,
    Seed,
    /// Get info after a write.
    ReadBack,
    /// A second config write, which sets the clock closer.
    SecondConfig,
    /// The seed that must follow it.
    SecondSeed,
}

impl Step {
    /// Its name in the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "get info",
            Self::Poll => "get info again",
            Self::Challenge => "get challenge",
            Self::Answer => "answer challenge",
            Self::Config => "write config",
            Self::Seed => "write seed",
            Self::ReadBack => "read back",
            Self::SecondConfig => "second write config",
            Self::SecondSeed => "second write seed",
        }
    }
}

/// Where a fault happens in a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At this APDU, counted from 1.
    Number(usize),
    /// At the first one of this kind, if the job comes so far.
    First(Step),
}

/// What was sent in a contact.
#[derive(Debug, Clone, Default)]
pub struct Log(pub Vec<Step>);

impl Log {
    fn add(&mut self, ins: u8) {
        let has = |step| self.0.contains(&step);
        let step = match ins {
            0x41 if self.0.is_empty() => Step::Info,
            0x41 if has(Step::Config) || has(Step::Seed) => Step::ReadBack,
            0x41 => Step::Poll,
            0x4B => Step::Challenge,
            0xCE => Step::Answer,
            0xD4 if has(Step::Config) => Step::SecondConfig,
            0xD4 => Step::Config,
            0xC5 if has(Step::Seed) => Step::SecondSeed,
            0xC5 => Step::Seed,
            other => panic!("no job sends {other:02X}"),
        };
        self.0.push(step);
    }

    /// Which writes it has.
    pub fn writes(&self) -> (bool, bool) {
        (self.0.contains(&Step::Config), self.0.contains(&Step::Seed))
    }
}

/// A link to a token with one fault.
pub struct Faulty {
    pub token: Shared,
    pub other: Shared,
    pub clock: SimulatedClock,
    /// The fault, and where.
    pub fault: Option<(At, Fault)>,
    pub log: Arc<Mutex<Log>>,
    /// An answer that waits for GET RESPONSE.
    pub held: Option<Vec<u8>>,
    /// The command is to come again, with an Le.
    pub repeats: bool,
    pub gone: bool,
    pub swapped: bool,
}

impl Faulty {
    fn pass_on(&self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let link = if self.swapped { &self.other } else { &self.token };
        link.lock().unwrap().transmit(command)
    }

    fn power_off(&self) {
        self.token.lock().unwrap().close();
    }

    fn leave(&mut self, fault: LinkFault) -> Result<Vec<u8>, LinkError> {
        self.gone = true;
        self.power_off();
        Err(LinkError::new(fault, "the token was taken off"))
    }

    /// The token's answer, bent.
    fn bend(&self, command: &[u8], bend: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, LinkError> {
        let mut reply = self.pass_on(command)?;
        bend(&mut reply);
        Ok(reply)
    }

    fn go_wrong(&mut self, command: &[u8], fault: Fault) -> Result<Vec<u8>, LinkError> {
        match fault {
            Fault::GoneBefore => self.leave(LinkFault::LeftBefore),
            Fault::LostBefore => self.leave(LinkFault::Removed),
            Fault::LostAfter => self.pass_on(command).and_then(|_| self.leave(LinkFault::Removed)),
            Fault::AnswerLost => {
                self.pass_on(command)?;
                Err(LinkError::new(LinkFault::NoAnswer, "the answer was lost"))
            }
            Fault::AwayAndBack => {
                self.power_off();
                Err(LinkError::new(LinkFault::Removed, "the token was taken off"))
            }
            Fault::AnotherBack => {
                self.power_off();
                self.swapped = true;
                Err(LinkError::new(LinkFault::Reset, "the token was reset"))
            }
            Fault::ResetByOther => {
                self.power_off();
                Err(LinkError::new(LinkFault::Reset, "the token was reset"))
            }
            Fault::Word(sw1, sw2) => Ok(vec![sw1, sw2]),
            Fault::MoreData => {
                let reply = self.pass_on(command)?;
                let length = (reply.len() - 2) as u8;
                self.held = Some(reply);
                Ok(vec![0x61, length])
            }
            Fault::MoreDataRefused => {
                let reply = self.pass_on(command)?;
                self.held = Some(vec![0x6F, 0x00]);
                Ok(vec![0x61, (reply.len() - 2) as u8])
            }
            Fault::WrongLe => {
                // The token wants the Le of the answer that it would give; repeated with it, it carries the command out.
                self.repeats = true;
                Ok(vec![0x6C, WRONG_LE])
            }
            Fault::Length(length) => Ok(vec![0x90; length]),
            Fault::Noise => Ok(NOISE.to_vec()),
            Fault::Bytes(bytes) => Ok(bytes),
            Fault::InfoTooLong => self.bend(command, |reply| reply[3] = 0x3F),
            Fault::InfoTooShort => self.bend(command, |reply| reply[3] = 5),
            Fault::ClockBack => self.bend(command, |reply| {
                let at = reply.len() - 6;
                let clock = u32::from_be_bytes(reply[at..at + 4].try_into().unwrap());
                reply[at..at + 4].copy_from_slice(&(clock - 100).to_be_bytes());
            }),
            Fault::LateThere => {
                self.clock.advance(Duration::from_secs(5));
                self.pass_on(command)
            }
            Fault::Late => {
                let reply = self.pass_on(command);
                self.clock.advance(Duration::from_secs(5));
                reply
            }
        }
    }
}

impl Link for Faulty {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        // A quick reader: a millisecond there and back.
        self.clock.advance(Duration::from_millis(1));
        if self.gone {
            return Err(LinkError::new(LinkFault::LeftBefore, "no token is on the reader"));
        }
        if command[..2] == [0x00, 0xC0] {
            return Ok(self.held.take().unwrap_or_else(|| vec![0x6E, 0x00]));
        }
        if command[..2] == [0x00, 0xA4] {
            // SELECT, which tells other devices apart: a token knows no such class.
            return Ok(vec![0x6E, 0x00]);
        }
        if std::mem::take(&mut self.repeats) {
            // T=0 hands the command on without the Le.
            assert_eq!(command.last(), Some(&WRONG_LE));
            return self.pass_on(&command[..command.len() - 1]);
        }
        let mut log = self.log.lock().unwrap();
        log.add(command[1]);
        let (sent, step) = (log.0.len(), log.0[log.0.len() - 1]);
        let is_first = !log.0[..sent - 1].contains(&step);
        drop(log);
        match self.fault.clone() {
            Some((At::Number(at), fault)) if at == sent => self.go_wrong(command, fault),
            Some((At::First(at), fault)) if at == step && is_first => self.go_wrong(command, fault),
            _ => self.pass_on(command),
        }
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.power_off();
        Ok(())
    }

    fn close(&mut self) {
        self.power_off();
        self.other.lock().unwrap().close();
    }
}
