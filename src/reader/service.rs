//! The PC/SC service, asked on a thread of its own.
//!
//! None of its calls has a time-out: a service that stands still answers none of them, and whoever waits in one cannot be
//! interrupted. So the calls are made where they may hang, and what hangs is left behind. The connection to the service
//! never leaves such threads, because letting go of it is a call too.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use pcsc::{Context, Error, Scope};

use super::trouble::ReaderError;

/// How long the service may take for a call that waits for nothing else.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// How long a new connection may take before the service counts as one that stands still.
const PROBED_WITHIN: Duration = Duration::from_secs(1);

/// How often Ctrl-C is looked for while a call hangs.
pub const SLICE: Duration = Duration::from_millis(100);

/// How long a call may take, and who may break it off.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// The longest time.
    pub within: Duration,
    /// Whether the user wants to stop.
    pub interrupted: &'a dyn Fn() -> bool,
}

impl<'a> Bounds<'a> {
    /// The usual time, or what is left until `deadline`, where that is sooner; a second at least.
    #[must_use]
    pub fn until(deadline: Option<Instant>, interrupted: &'a dyn Fn() -> bool) -> Self {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let within = left.map_or(ANSWERS_WITHIN, |left| left.clamp(PROBED_WITHIN, ANSWERS_WITHIN));
        Self { within, interrupted }
    }
}

type Call = Box<dyn FnOnce(&Context) + Send>;

/// A connection to the service.
pub struct Service {
    calls: Sender<Call>,
}

impl Service {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`ReaderError::NoService`], [`ReaderError::NoAnswer`], [`ReaderError::Interrupted`], and others of the platform.
    pub fn connect(bounds: &Bounds<'_>) -> Result<Self, ReaderError> {
        let (calls, incoming) = channel::<Call>();
        let (connected, answer) = channel();
        std::thread::spawn(move || match Context::establish(Scope::User) {
            Err(error) => drop(connected.send(Err(error))),
            Ok(context) => {
                let _ = connected.send(Ok(()));
                incoming.into_iter().for_each(|call| call(&context));
            }
        });
        match within(bounds, || answer.recv_timeout(SLICE))? {
            Ok(()) => Ok(Self { calls }),
            Err(error) => Err(ReaderError::from_pcsc(error, "")),
        }
    }

    /// Makes a call, and returns what it returns.
    ///
    /// # Errors
    /// [`ReaderError::NoAnswer`] and [`ReaderError::Interrupted`]. The call may hang on; nothing else comes through then.
    pub fn ask<T: Send + 'static>(
        &self,
        bounds: &Bounds<'_>,
        call: impl FnOnce(&Context) -> T + Send + 'static,
    ) -> Result<T, ReaderError> {
        let (done, answer) = channel();
        self.post(move |context| drop(done.send(call(context))));
        within(bounds, || answer.recv_timeout(SLICE))
    }

    /// Makes a call, and waits for nothing.
    pub fn post(&self, call: impl FnOnce(&Context) + Send + 'static) {
        // A thread that has ended leaves its call unanswered, which those who wait for one find out.
        let _ = self.calls.send(Box::new(call));
    }
}

/// Waits for an answer within its bounds.
fn within<T>(bounds: &Bounds<'_>, mut next: impl FnMut() -> Result<T, RecvTimeoutError>) -> Result<T, ReaderError> {
    let began = Instant::now();
    loop {
        match next() {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(ReaderError::Other(Error::InternalError)),
            Err(RecvTimeoutError::Timeout) if (bounds.interrupted)() => return Err(ReaderError::Interrupted),
            Err(RecvTimeoutError::Timeout) if began.elapsed() >= bounds.within => return Err(ReaderError::NoAnswer),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Whether the service stands still: it does not even let another connection in.
pub fn stands_still() -> bool {
    let bounds = Bounds { within: PROBED_WITHIN, interrupted: &|| false };
    matches!(Service::connect(&bounds), Err(ReaderError::NoAnswer))
}
