//! Readers as places where one token after the other is laid down: a token has to leave before the next one comes.

use std::ffi::CString;
use std::sync::Arc;

use pcsc::{Error, PNP_NOTIFICATION, ReaderState, State};

use super::atr::CardKind;
use super::device_kind::DeviceKind;
use super::is_virtual;
use super::link::{Patience, PcscLink};
use super::select::{Selector, Wanted, candidates};
use super::service::{Bounds, Service};
use super::slot::Slot;
use super::slots::{Slots, WATCHED_FOR, change};
use super::trouble::ReaderError;
use crate::device::Device;
use crate::device::hotp_key::HotpKey;
use crate::device::molto2::Molto2;
use crate::device::token2::NfcToken;

/// An arrival on a tray.
pub enum Came {
    /// A token, or another card that looks like one.
    Token(Box<dyn Device>),
    /// Something that does not answer, or a tag that is no token: it is left alone until something else comes.
    Other(ReaderError),
    /// The card there has left.
    Left,
    /// Nothing: the wait is over.
    Stopped,
    /// Nothing, and nothing will.
    Ended,
}

/// One reader.
pub trait Tray: Send {
    /// Its name.
    fn name(&self) -> &str;

    /// Its number in `tokentap readers`, where it has one.
    fn number(&self) -> Option<usize>;

    /// Whether what was taken from it, or passed over, lies there still.
    fn is_occupied(&self) -> bool;

    /// The tokens there are not real ones.
    fn is_emulated(&self) -> bool;

    /// Waits for the next token. What lies there already is not taken twice. `stop` is asked from time to time.
    ///
    /// # Errors
    /// [`ReaderError`]: the reader or the service is gone; this tray ends.
    fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Came, ReaderError>;
}

/// All readers that are worked at.
pub trait Trays: Send {
    /// Those that have come since, beside the ones that are attended already; waits a while for one. `stop` is asked from
    /// time to time.
    ///
    /// # Errors
    /// [`ReaderError`]: none can come now. Later ones may.
    fn newcomers(&mut self, attended: &[String], stop: &dyn Fn() -> bool) -> Result<Vec<Box<dyn Tray>>, ReaderError>;

    /// Whether more can come at all.
    fn is_closed(&self) -> bool;
}

/// Whether the user wants to stop, asked from the threads of all readers.
pub type Interrupted = Arc<dyn Fn() -> bool + Send + Sync>;

/// The readers of PC/SC.
pub struct PcscTrays {
    slots: Option<Slots>,
    /// The state of the readers when they were last waited for.
    known: Option<ReaderState>,
    selector: Selector,
    wanted: Wanted,
    interrupted: Interrupted,
}

impl PcscTrays {
    /// The readers that a selector fits.
    ///
    /// # Errors
    /// [`ReaderError::NoService`], [`ReaderError::NoAnswer`], and others of the platform.
    pub fn open(selector: Selector, wanted: Wanted, interrupted: Interrupted) -> Result<Self, ReaderError> {
        let slots = Slots::open(&Bounds::until(None, &*interrupted))?;
        Ok(Self { slots: Some(slots), known: None, selector, wanted, interrupted })
    }

    fn look(&mut self, attended: &[String], stop: &dyn Fn() -> bool) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        let bounds = Bounds::until(None, stop);
        let slots = match &mut self.slots {
            Some(slots) => slots,
            None => self.slots.insert(Slots::open(&bounds)?),
        };
        let found = slots.list(&bounds)?;
        let is_named = matches!(self.selector, Selector::Named(_));
        let wanted = self.wanted;
        let is_for_tokens = |slot: &Slot| match DeviceKind::of_name(&slot.name) {
            Some(kind) if wanted.takes(kind) => true,
            // A device that is plugged in is a reader of its own; but any reader may hold one in software.
            None if wanted.plugged_in().is_some() => is_virtual(&slot.name),
            Some(DeviceKind::Molto2 | DeviceKind::Molto1 | DeviceKind::Token2Key) => false,
            Some(_) => is_named,
            None => true,
        };
        let fitting: Vec<Slot> = match candidates(&found, &self.selector) {
            Ok(fitting) => fitting
                .into_iter()
                .filter(|slot| is_for_tokens(slot) && !attended.contains(&slot.name))
                .cloned()
                .collect(),
            // It may come yet.
            Err(_) => Vec::new(),
        };
        if fitting.is_empty() {
            wait_for_readers(slots.service(), &bounds, &mut self.known)?;
        }
        let mut trays: Vec<Box<dyn Tray>> = Vec::new();
        for slot in fitting {
            let number = found.iter().position(|other| other.name == slot.name).map(|index| index + 1);
            let service = Service::connect(&bounds)?;
            let interrupted = Arc::clone(&self.interrupted);
            let (name, state, done_with) = (slot.name, None, None);
            trays.push(Box::new(PcscTray { service, name, number, wanted, is_named, state, done_with, interrupted }));
        }
        Ok(trays)
    }
}

impl Trays for PcscTrays {
    fn newcomers(&mut self, attended: &[String], stop: &dyn Fn() -> bool) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        match self.look(attended, stop) {
            Err(ReaderError::Interrupted) => Ok(Vec::new()),
            // A context that has lost its service stays dead.
            result => result.inspect_err(|_| self.slots = None),
        }
    }

    fn is_closed(&self) -> bool {
        false
    }
}

/// A reader of PC/SC.
struct PcscTray {
    service: Service,
    name: String,
    number: Option<usize>,
    /// The devices that the run is for.
    wanted: Wanted,
    /// The user named it: whatever lies there is spoken to.
    is_named: bool,
    /// Its state when it was last waited at.
    state: Option<ReaderState>,
    /// The service's count of events when what lies there was taken or passed over.
    done_with: Option<u32>,
    interrupted: Interrupted,
}

impl PcscTray {
    /// Waits for a change at this reader, and returns its state.
    fn wait(&mut self, stop: &dyn Fn() -> bool) -> Result<ReaderState, ReaderError> {
        let failed = |error| ReaderError::from_pcsc(error, &self.name);
        let state = match self.state.take() {
            Some(state) => state,
            None => {
                let name = CString::new(self.name.as_str()).map_err(|_| failed(Error::UnknownReader))?;
                ReaderState::new(name, State::UNAWARE)
            }
        };
        let (states, changed) = change(&self.service, &Bounds::until(None, stop), WATCHED_FOR, vec![state])?;
        match changed {
            Ok(()) | Err(Error::Timeout | Error::Cancelled) => {
                states.into_iter().next().ok_or_else(|| failed(Error::UnknownReader))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn device(&self, kind: DeviceKind) -> Result<Box<dyn Device>, ReaderError> {
        // The token in hand is finished: only a call that hangs is interrupted.
        let interrupted = Arc::clone(&self.interrupted);
        let patience = Patience { interrupted: Box::new(move || interrupted()), ..Patience::usual() };
        let link = PcscLink::connect(&self.service, &self.name, patience)?;
        Ok(match kind {
            DeviceKind::Token2Key => Box::new(HotpKey(link)),
            DeviceKind::Molto2 => Box::new(Molto2(link)),
            _ => Box::new(NfcToken(link)),
        })
    }
}

impl Tray for PcscTray {
    fn name(&self) -> &str {
        &self.name
    }

    fn number(&self) -> Option<usize> {
        self.number
    }

    fn is_occupied(&self) -> bool {
        self.done_with.is_some()
    }

    fn is_emulated(&self) -> bool {
        is_virtual(&self.name)
    }

    fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Came, ReaderError> {
        loop {
            if stop() {
                return Ok(Came::Stopped);
            }
            let mut state = match self.wait(stop) {
                Err(ReaderError::Interrupted) => return Ok(Came::Stopped),
                state => state?,
            };
            let (event, count) = (state.event_state(), state.event_count());
            let kind = CardKind::of_atr(state.atr());
            state.sync_current_state();
            self.state = Some(state);
            if event.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                return Err(ReaderError::from_pcsc(Error::ReaderUnavailable, &self.name));
            }
            if !event.contains(State::PRESENT) {
                if self.done_with.take().is_some() {
                    return Ok(Came::Left);
                }
                continue;
            }
            if self.done_with == Some(count) || event.contains(State::INUSE | State::EXCLUSIVE) {
                continue;
            }
            self.done_with = Some(count);
            if event.contains(State::MUTE) {
                return Ok(Came::Other(ReaderError::Mute(self.name.clone())));
            }
            let device = DeviceKind::of(&self.name, kind);
            let is_another = device == DeviceKind::StorageTag || device.is_programmed();
            if !self.wanted.takes(device) && (is_another || self.wanted.plugged_in().is_some() || !self.is_named) {
                return Ok(Came::Other(ReaderError::Device(self.name.clone(), device)));
            }
            match self.device(device) {
                Ok(token) => return Ok(Came::Token(token)),
                Err(
                    error @ (ReaderError::NoService
                    | ReaderError::NoAnswer
                    | ReaderError::ServiceStopped
                    | ReaderError::NoSuchReader { .. }),
                ) => return Err(error),
                Err(ReaderError::Interrupted) => return Ok(Came::Stopped),
                // Whatever else is wrong is wrong with what lies there.
                Err(error) => return Ok(Came::Other(error)),
            }
        }
    }
}

/// Waits for readers to come or go, for a while.
fn wait_for_readers(
    service: &Service,
    bounds: &Bounds<'_>,
    known: &mut Option<ReaderState>,
) -> Result<(), ReaderError> {
    if cfg!(target_os = "macos") {
        // macOS has no such notification.
        std::thread::sleep(WATCHED_FOR);
        return Ok(());
    }
    let state = known.take().unwrap_or_else(|| ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
    let (states, changed) = change(service, bounds, WATCHED_FOR, vec![state])?;
    *known = states.into_iter().next();
    match changed {
        Ok(()) => {
            known.as_mut().into_iter().for_each(ReaderState::sync_current_state);
            Ok(())
        }
        Err(Error::Timeout | Error::Cancelled | Error::UnknownReader) => Ok(()),
        Err(error) => Err(ReaderError::from_pcsc(error, "")),
    }
}
