//! Readers as places where one token after the other is laid down: a token has to leave before the next one comes.

use std::ffi::CString;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::atr::CardKind;
use super::is_virtual;
use super::link::{Patience, PcscLink};
use super::select::{Selector, candidates};
use super::slot::Slot;
use super::slots::{SLICE, Slots};
use super::trouble::ReaderError;
use crate::link::Link;

/// What came onto a tray.
pub enum Came {
    /// A token, or another card that looks like one.
    Token(Box<dyn Link>),
    /// Something that does not answer, or a tag that is no token: it is left alone until something else comes.
    Other(ReaderError),
    /// Nothing: the wait is over.
    Stopped,
    /// Nothing, and nothing will.
    Ended,
}

/// One reader.
pub trait Tray: Send {
    /// Its name.
    fn name(&self) -> &str;

    /// What comes is no real token.
    fn is_emulated(&self) -> bool;

    /// Waits for the next token. What lies there already is not taken twice. `stop` is asked from time to time.
    ///
    /// # Errors
    /// [`ReaderError`]: the reader or the service is gone; this tray ends.
    fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Came, ReaderError>;
}

/// All readers that are worked at.
pub trait Trays: Send {
    /// Those that have come since, beside the ones that are attended already; waits a while for one.
    ///
    /// # Errors
    /// [`ReaderError`]: none can come now. Later ones may.
    fn newcomers(&mut self, attended: &[String]) -> Result<Vec<Box<dyn Tray>>, ReaderError>;

    /// Whether more can come at all.
    fn is_closed(&self) -> bool;
}

/// The readers of PC/SC.
pub struct PcscTrays {
    slots: Option<Slots>,
    /// What was known when readers were last waited for.
    known: ReaderState,
    selector: Selector,
}

impl PcscTrays {
    /// The readers that a selector fits.
    ///
    /// # Errors
    /// [`ReaderError::NoService`] and others of the platform.
    pub fn open(selector: Selector) -> Result<Self, ReaderError> {
        let known = ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE);
        Ok(Self { slots: Some(Slots::open()?), known, selector })
    }

    fn look(&mut self, attended: &[String]) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        let slots = match &mut self.slots {
            Some(slots) => slots,
            None => self.slots.insert(Slots::open()?),
        };
        let found = slots.list()?;
        let fitting: Vec<Slot> = match candidates(&found, &self.selector) {
            Ok(fitting) => fitting.into_iter().filter(|slot| !attended.contains(&slot.name)).cloned().collect(),
            // It may come yet.
            Err(_) => Vec::new(),
        };
        if fitting.is_empty() {
            wait_for_readers(slots.context(), &mut self.known)?;
        }
        let mut trays: Vec<Box<dyn Tray>> = Vec::new();
        for slot in fitting {
            trays.push(Box::new(PcscTray::open(&slot.name)?));
        }
        Ok(trays)
    }
}

impl Trays for PcscTrays {
    fn newcomers(&mut self, attended: &[String]) -> Result<Vec<Box<dyn Tray>>, ReaderError> {
        // A context that has lost its service stays dead.
        self.look(attended).inspect_err(|_| self.slots = None)
    }

    fn is_closed(&self) -> bool {
        false
    }
}

/// A reader of PC/SC.
struct PcscTray {
    context: Context,
    name: String,
    state: ReaderState,
    /// The service's count of events when what lies there was taken or passed over.
    done_with: Option<u32>,
}

impl PcscTray {
    fn open(name: &str) -> Result<Self, ReaderError> {
        let failed = |error| ReaderError::from_pcsc(error, name);
        let context = Context::establish(Scope::User).map_err(failed)?;
        let c_name = CString::new(name).map_err(|_| failed(Error::UnknownReader))?;
        let state = ReaderState::new(c_name, State::UNAWARE);
        Ok(Self { context, name: name.to_owned(), state, done_with: None })
    }

    /// Waits for a change at this reader.
    fn wait(&mut self) -> Result<(), ReaderError> {
        let states = std::slice::from_mut(&mut self.state);
        match self.context.get_status_change(SLICE, states) {
            Ok(()) | Err(Error::Timeout | Error::Cancelled) => Ok(()),
            Err(error) => Err(ReaderError::from_pcsc(error, &self.name)),
        }
    }

    fn link(&self) -> Result<Box<dyn Link>, ReaderError> {
        // The token in hand is finished: nothing interrupts it.
        let patience = Patience { on_hang: Box::new(|| ()), interrupted: Box::new(|| false) };
        Ok(Box::new(PcscLink::connect(&self.context, &self.name, patience)?))
    }
}

impl Tray for PcscTray {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_emulated(&self) -> bool {
        is_virtual(&self.name)
    }

    fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Came, ReaderError> {
        loop {
            if stop() {
                return Ok(Came::Stopped);
            }
            self.wait()?;
            let event = self.state.event_state();
            if event.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                return Err(ReaderError::from_pcsc(Error::ReaderUnavailable, &self.name));
            }
            let count = self.state.event_count();
            self.state.sync_current_state();
            if !event.contains(State::PRESENT) {
                self.done_with = None;
                continue;
            }
            if self.done_with == Some(count) || event.contains(State::INUSE | State::EXCLUSIVE) {
                continue;
            }
            self.done_with = Some(count);
            if event.contains(State::MUTE) {
                return Ok(Came::Other(ReaderError::Mute(self.name.clone())));
            }
            if CardKind::of_atr(self.state.atr()) == CardKind::StorageTag {
                return Ok(Came::Other(ReaderError::StorageTag(self.name.clone())));
            }
            match self.link() {
                Ok(link) => return Ok(Came::Token(link)),
                Err(
                    error @ (ReaderError::NoService | ReaderError::ServiceStopped | ReaderError::NoSuchReader { .. }),
                ) => return Err(error),
                // Whatever else is wrong is wrong with what lies there.
                Err(error) => return Ok(Came::Other(error)),
            }
        }
    }
}

/// Waits for readers to come or go, for a while.
fn wait_for_readers(context: &Context, known: &mut ReaderState) -> Result<(), ReaderError> {
    if cfg!(target_os = "macos") {
        // macOS has no such notification.
        std::thread::sleep(SLICE);
        return Ok(());
    }
    match context.get_status_change(SLICE, std::slice::from_mut(known)) {
        Ok(()) => {
            known.sync_current_state();
            Ok(())
        }
        Err(Error::Timeout | Error::Cancelled | Error::UnknownReader) => Ok(()),
        Err(error) => Err(ReaderError::from_pcsc(error, "")),
    }
}
