//! The slots of all readers, and waiting for something to be laid on one.

use std::ffi::CString;
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, State};

use super::atr::CardKind;
use super::select::{Passed, Pick, Selector, Wanted, pick};
use super::service::{Bounds, Service};
use super::slot::{Laid, Slot};
use super::trouble::ReaderError;

/// How long one wait for a change lasts before Ctrl-C and newly come readers are looked for.
pub(super) const WATCHED_FOR: Duration = Duration::from_millis(500);

/// The PC/SC service's view of all readers.
pub struct Slots {
    service: Service,
}

impl Slots {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`ReaderError::NoService`], [`ReaderError::NoAnswer`], and others of the platform.
    pub fn open(bounds: &Bounds<'_>) -> Result<Self, ReaderError> {
        Service::connect(bounds).map(|service| Self { service })
    }

    /// The connection to the service.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// All slots, in the service's order.
    ///
    /// # Errors
    /// [`ReaderError`]; no readers at all is an empty list.
    pub fn list(&self, bounds: &Bounds<'_>) -> Result<Vec<Slot>, ReaderError> {
        self.states(bounds).map(|states| states.iter().map(slot).collect())
    }

    /// Waits up to `wait` for a token on a reader that `selector` fits. Without a time it only looks.
    ///
    /// `on_wait` is called once when waiting begins, with what is passed over; `interrupted` is asked from time to time.
    ///
    /// # Errors
    /// [`ReaderError`]; [`ReaderError::NoToken`], [`ReaderError::Mute`] or [`ReaderError::Device`] when the time is over.
    pub fn wait_for_token(
        &mut self,
        selector: &Selector,
        wanted: Wanted,
        wait: Duration,
        on_wait: &mut dyn FnMut(&Passed),
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Slot, ReaderError> {
        let began = Instant::now();
        let deadline = (!wait.is_zero()).then(|| began + wait);
        let mut told = false;
        loop {
            let bounds = Bounds::until(deadline, interrupted);
            let mut states = match self.states(&bounds) {
                // The service was started anew meanwhile: this context stays dead.
                Err(
                    ReaderError::NoService | ReaderError::ServiceStopped | ReaderError::Other(Error::InvalidHandle),
                ) => {
                    *self = Self::open(&bounds)?;
                    self.states(&bounds)?
                }
                states => states?,
            };
            let slots: Vec<Slot> = states.iter().map(slot).collect();
            let passed = match pick(&slots, selector, wanted)? {
                Pick::Slot(slot) => return Ok(slot),
                Pick::Wait(passed) => passed,
            };
            if interrupted() {
                return Err(ReaderError::Interrupted);
            }
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                if let Some(kind) = wanted.plugged_in() {
                    return Err(ReaderError::NotThere(kind, passed.others));
                }
                return Err(match (passed.mute, passed.others.into_iter().next()) {
                    (Some(reader), _) => ReaderError::Mute(reader),
                    (None, Some((reader, device))) => ReaderError::Device(reader, device),
                    (None, None) if wait.is_zero() => ReaderError::NoTokenNow,
                    (None, None) => ReaderError::NoToken { waited_s: wait.as_secs() },
                });
            }
            if !told {
                on_wait(&passed);
                told = true;
            }
            // macOS has no such notification: there the slice's end is when new readers are looked for.
            if !cfg!(target_os = "macos") {
                states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
            }
            for state in &mut states {
                state.sync_current_state();
            }
            let (_, changed) = change(&self.service, &bounds, left.min(WATCHED_FOR), states)?;
            match changed {
                Ok(()) | Err(Error::Timeout | Error::UnknownReader | Error::Cancelled) => {}
                // The service went, or was started anew: this context stays dead.
                Err(Error::ServiceStopped | Error::NoService | Error::InvalidHandle) => *self = Self::open(&bounds)?,
                Err(error) => return Err(ReaderError::from_pcsc(error, "")),
            }
        }
    }

    fn states(&self, bounds: &Bounds<'_>) -> Result<Vec<ReaderState>, ReaderError> {
        let names = match self.service.ask(bounds, Context::list_readers_owned)? {
            Ok(names) => names,
            Err(Error::NoReadersAvailable) => Vec::new(),
            Err(error) => return Err(ReaderError::from_pcsc(error, "")),
        };
        let states: Vec<ReaderState> =
            names.into_iter().map(|name: CString| ReaderState::new(name, State::UNAWARE)).collect();
        if states.is_empty() {
            return Ok(states);
        }
        match change(&self.service, bounds, Duration::ZERO, states)? {
            (states, Ok(()) | Err(Error::Timeout)) => Ok(states),
            (_, Err(error)) => Err(ReaderError::from_pcsc(error, "")),
        }
    }
}

/// Waits up to `wait` for a change of the readers' states, and returns them with the service's answer.
///
/// # Errors
/// [`ReaderError::NoAnswer`] and [`ReaderError::Interrupted`].
pub(super) fn change(
    service: &Service,
    bounds: &Bounds<'_>,
    wait: Duration,
    mut states: Vec<ReaderState>,
) -> Result<(Vec<ReaderState>, Result<(), Error>), ReaderError> {
    service.ask(bounds, move |context| {
        let changed = context.get_status_change(wait, &mut states);
        (states, changed)
    })
}

fn slot(state: &ReaderState) -> Slot {
    let event = state.event_state();
    let laid = if event.contains(State::MUTE) {
        Laid::Mute
    } else if event.contains(State::PRESENT) {
        Laid::Card(CardKind::of_atr(state.atr()))
    } else if event.contains(State::EMPTY) {
        Laid::Nothing
    } else {
        Laid::Unknown
    };
    Slot { name: state.name().to_string_lossy().into_owned(), laid, exclusive: event.contains(State::EXCLUSIVE) }
}
