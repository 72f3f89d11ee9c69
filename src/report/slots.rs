//! The report of `info` on a device with slots, and of `sync` on all of them.

use chrono::DateTime;
use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::drift::DriftReport;
use super::host_clock::HostClockReport;
use super::info::ReadClock;
use super::times::utc;
use super::token::TokenReport;
use super::write::{SERVER_WINDOW_S, WriteReport};
use crate::clock::Standing;
use crate::device::{Agreed, SlotState, Typing};
use crate::inventory::TokenRecord;
use crate::job::SlotsOutcome;
use crate::job::desk::{SlotsVisit, Why};
use crate::job::device_change::{DeviceChange, DeviceChanged};
use crate::plain::plain;
use crate::words::{counted, local};

/// A device with slots.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlotsReport {
    /// The reader.
    pub reader: String,
    /// The device.
    pub token: TokenReport,
    /// The clock that it shows; a slot may have one of its own. Missing for a device that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ReadClock>,
    /// The host's clock.
    pub host_clock: HostClockReport,
    /// How it types its codes; missing for a device that shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<TypingReport>,
    /// Its slots, from 0.
    pub slots: Vec<SlotReport>,
}

/// A slot. What is `null` the device does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlotReport {
    /// Its number.
    pub slot: u16,
    /// Whether it holds a seed.
    pub has_seed: Option<bool>,
    /// Its title.
    pub title: Option<String>,
    /// `SHA1` or `SHA256`.
    pub hash: Option<String>,
    /// The time step, in seconds.
    pub step_s: Option<u32>,
    /// The digits of its codes.
    pub digits: Option<u32>,
    /// Its user on record.
    pub user: Option<String>,
}

/// How a device types its codes. What is `null` it does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TypingReport {
    /// It presses Enter behind a code.
    pub enter: Option<bool>,
    /// It wants a long touch.
    pub long_touch: Option<bool>,
    /// It presses the number pad's keys.
    pub numpad: Option<bool>,
    /// Its keyboard is switched on.
    pub keyboard: Option<bool>,
}

impl From<Typing> for TypingReport {
    fn from(typing: Typing) -> Self {
        let Typing { enter, long_touch, numpad, keyboard } = typing;
        Self { enter, long_touch, numpad, keyboard }
    }
}

impl TypingReport {
    /// In words, setting by setting.
    #[must_use]
    pub fn words(&self) -> String {
        let says = |value: Option<bool>, yes: &'static str, no: &'static str| match value {
            Some(true) => yes,
            Some(false) => no,
            None => "it does not say",
        };
        format!(
            "Enter: {}; touch: {}; keys: {}; keyboard: {}",
            says(self.enter, "yes", "no"),
            says(self.long_touch, "long", "short"),
            says(self.numpad, "number pad", "row"),
            says(self.keyboard, "on", "OFF: it types nothing until it is switched on"),
        )
    }
}

impl SlotsReport {
    /// The report of a reading; `known` are the records of its slots.
    #[must_use]
    pub fn of(read: &SlotsOutcome, known: &[TokenRecord], reader: &str, emulated: bool, standing: &Standing) -> Self {
        let user = |slot: u16| known.iter().find(|token| token.key.slot == slot).and_then(|token| token.user.clone());
        let one = |slot: &SlotState| SlotReport {
            slot: slot.slot,
            has_seed: slot.has_seed,
            title: slot.title.clone(),
            hash: slot.hash.map(|hash| hash.to_string()),
            step_s: slot.step.map(crate::otp::TimeStep::seconds),
            digits: slot.digits,
            user: user(slot.slot),
        };
        let clock = read.info.clock.zip(read.drift).map(|(token, drift)| ReadClock {
            token,
            host: utc(read.host),
            drift: DriftReport::from(drift),
        });
        Self {
            reader: reader.to_owned(),
            token: TokenReport::of(&read.info, emulated),
            clock,
            host_clock: standing.into(),
            typing: read.typing.map(Into::into),
            slots: read.slots.iter().map(one).collect(),
        }
    }

    fn slot_lines(&self) -> Vec<String> {
        let seeded = self.slots.iter().filter(|slot| slot.has_seed == Some(true)).count();
        let has = counted(self.slots.len() as u64, "slot");
        let free = self.slots.iter().find(|slot| slot.has_seed == Some(false));
        let free = free.map(|slot| format!("; the next empty one is {}", slot.slot)).unwrap_or_default();
        let mut lines = vec![format!("slots   {has}, {seeded} with a seed{free}")];
        let shown =
            |slot: &&SlotReport| slot.has_seed != Some(false) || slot.title.as_ref().is_some_and(|t| !t.is_empty());
        for slot in self.slots.iter().filter(shown) {
            let title = slot.title.as_deref().map(plain).unwrap_or_default();
            let seed = match slot.has_seed {
                Some(true) => String::new(),
                Some(false) => ", empty".to_owned(),
                None => ", does not say whether it holds a seed".to_owned(),
            };
            let hash = slot.hash.as_deref().unwrap_or("unknown hash");
            let step = slot.step_s.map(|step| format!(", {step} s")).unwrap_or_default();
            let digits = slot.digits.map(|digits| format!(", {digits} digits")).unwrap_or_default();
            let user = slot.user.as_deref().map(|user| format!("  {}", plain(user))).unwrap_or_default();
            lines.push(format!("{:>6}  {title:<12}  {hash}{step}{digits}{seed}{user}", slot.slot));
        }
        lines
    }

    fn key_lines(&self, typing: &TypingReport) -> Vec<String> {
        let slot = match self.slots.first().and_then(|slot| slot.has_seed) {
            Some(true) => "the HOTP slot holds a seed",
            Some(false) => "the HOTP slot is empty",
            None => "whether the HOTP slot holds a seed, it does not say",
        };
        let user = self.slots.first().and_then(|slot| slot.user.as_deref());
        let user = user.map(|user| format!("; its user is {}", plain(user))).unwrap_or_default();
        vec![format!("slot    {slot}{user}"), format!("typing  {}", typing.words())]
    }
}

impl Report for SlotsReport {
    fn text(&self) -> String {
        let mut lines = vec![self.token.line.clone()];
        if let Some(clock) = &self.clock {
            let time = DateTime::from_timestamp(clock.token.into(), 0).map(local).unwrap_or_default();
            lines
                .push(format!("clock   {time}, {} (a slot may have its own, which cannot be read)", clock.drift.drift));
        }
        match &self.typing {
            Some(typing) => lines.extend(self.key_lines(typing)),
            None => lines.extend(self.slot_lines()),
        }
        lines.push(format!("reader  {}", plain(&self.reader)));
        lines.join("\n")
    }
}

/// Several slots of one device, each written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlotsWrittenReport {
    /// The slots, in the order in which they were written.
    pub slots: Vec<WriteReport>,
}

impl Report for SlotsWrittenReport {
    /// People are told slot by slot.
    fn text(&self) -> String {
        match self.slots.len() {
            0 => "no slot holds a seed: nothing was written".to_owned(),
            1 => "the clock of 1 slot is set".to_owned(),
            count => format!("the clocks of {count} slots are set"),
        }
    }
}

/// The slots with a seed of a device that was at a desk, a line each: number, title, user on record.
#[must_use]
pub fn seeded_lines(visit: &SlotsVisit) -> Vec<String> {
    let line = |slot: &&SlotState| {
        let known = visit.known.iter().find(|token| token.key.slot == slot.slot);
        let user = known.and_then(|token| token.user.clone());
        let parts = [slot.title.clone().filter(|title| !title.is_empty()), user];
        std::iter::once(format!("slot {}", slot.slot))
            .chain(parts.into_iter().flatten())
            .collect::<Vec<_>>()
            .join(" · ")
    };
    visit.read.seeded().iter().map(line).collect()
}

/// What was found of a device with slots at a desk, what was done, and the next step; `bound` is the drift up to which a clock is right,
/// in seconds.
#[must_use]
pub fn slots_words(visit: &SlotsVisit, bound: f64) -> (String, String) {
    const UNPLUG: &str = "done: you can unplug it";
    let SlotsVisit { read, why, .. } = visit;
    let found = read.drift.map(|drift| format!("clock {}: ", drift.in_short())).unwrap_or_default();
    let seeds = counted(read.seeded().len() as u64, "slot");
    let is_far = read.drift.is_some_and(|drift| drift.middle_s().abs() > SERVER_WINDOW_S);
    let (what, next) = match why {
        Some(Why::NoSeeds) => ("it holds no seed, and nothing was set".to_owned(), UNPLUG),
        Some(_) if read.drift.is_none_or(|drift| drift.may_be_within(bound)) => ("only measured".to_owned(), UNPLUG),
        Some(_) => ("only measured".to_owned(), "to set the clocks of its slots, run tokentap sync"),
        None if is_far => (
            format!("the clocks of {seeds} with a seed are set"),
            "you can unplug it; Entra ID or privacyIDEA may have to resynchronise its tokens once",
        ),
        None => (format!("the clocks of {seeds} with a seed are set"), UNPLUG),
    };
    let (mut what, mut next) = (format!("{found}{what}"), next.to_owned());
    for (slot, at) in visit.left_open() {
        what.push_str(&format!("; a burn of {} on slot {slot} did not end as it should", at.format("%Y-%m-%d")));
        next = format!("burn slot {slot} again: it may lack its seed, or hold another one");
    }
    (what, next)
}

/// A change of a whole device.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeviceReport {
    /// The reader.
    pub reader: String,
    /// The device.
    pub token: TokenReport,
    /// `done`, or `waits-for-button`: it takes effect when its button is pressed.
    pub outcome: &'static str,
    /// How it types now, where that was changed and it came back to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<TypingReport>,
    /// The line for people.
    #[serde(skip)]
    pub line: String,
}

impl DeviceReport {
    /// The report of a change.
    #[must_use]
    pub fn of(change: &DeviceChange, changed: &DeviceChanged, reader: &str, emulated: bool) -> Self {
        let token = TokenReport::of(&changed.info, emulated);
        let waits = changed.agreed == Agreed::WaitsForButton;
        let what = match (change, waits) {
            (_, true) => "it waits for its button: press ▲ on the device",
            (DeviceChange::LockScreen(true), _) => "its screen is locked",
            (DeviceChange::LockScreen(false), _) => "its screen is unlocked",
            (DeviceChange::Key(_), _) => "it was given another customer key",
            (DeviceChange::Nothing, _) => "it has accepted the key: that is the right one",
            (DeviceChange::Typing(_), _) => "how it types is set",
            (DeviceChange::Reset, _) => "it is reset: every seed is gone, and its customer key is the factory's",
        };
        let line = format!("{}: {what}", token.line);
        Self {
            reader: reader.to_owned(),
            token,
            outcome: if waits { "waits-for-button" } else { "done" },
            typing: None,
            line,
        }
    }
}

/// A customer key that was written to a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KeyFileReport {
    /// The device's serial.
    pub serial: String,
    /// The file.
    pub file: String,
    /// The device is known to have it.
    pub is_its_own: bool,
}

impl Report for KeyFileReport {
    fn text(&self) -> String {
        let doubt = if self.is_its_own { "" } else { "; the device is not known to have it" };
        format!("the customer key of {} is in {}{doubt}", self.serial, self.file)
    }
}

impl Report for DeviceReport {
    fn text(&self) -> String {
        let typing = self.typing.as_ref().map(|typing| format!(": {}", typing.words()));
        format!("{}{}", self.line, typing.unwrap_or_default())
    }
}
