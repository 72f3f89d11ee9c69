//! A card on a PC/SC reader.
//!
//! PC/SC calls have no time-out: they wait for other programs' transactions, for cards that never answer, and for a service
//! that stands still. So they run on a thread of their own, which is left behind when a call hangs.

use std::ffi::CString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use pcsc::{Card, Disposition, Error, Protocols, ShareMode};
use zeroize::Zeroizing;

use super::service::{ANSWERS_WITHIN, SLICE, Service, stands_still};
use super::trouble::ReaderError;
use crate::iso7816::MAX_RESPONSE;
use crate::link::{Link, LinkError, LinkFault};
use crate::plain::plain;

/// How long a call may hang before the user is told what it waits for, and before Ctrl-C ends it where a token in hand is
/// to be finished: flash is written in well under a second.
const HANGS_AFTER: Duration = Duration::from_secs(1);

/// How often it is looked again whether a card is there that did not answer while other programs may use it …
const LOOKS: u32 = 5;

/// … and how long after.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

enum Request {
    Transmit(Zeroizing<Vec<u8>>),
    Hold,
    Reset,
    Close,
}

type Answer = Result<Vec<u8>, Error>;

/// The calls that the link makes to the program around it while a call hangs.
pub struct Patience {
    /// How long another program may use the card, and how long an answer may take.
    pub within: Duration,
    /// A token in hand is finished also where the user wants to stop, unless a call hangs.
    pub finishes: bool,
    /// Called once, when another program seems to use the card.
    pub on_hang: Box<dyn FnMut()>,
    /// Whether the user wants to stop.
    pub interrupted: Box<dyn Fn() -> bool>,
}

impl Patience {
    /// The usual time, and no interest in what happens meanwhile.
    #[must_use]
    pub fn usual() -> Self {
        Self { within: ANSWERS_WITHIN, finishes: true, on_hang: Box::new(|| ()), interrupted: Box::new(|| false) }
    }
}

/// A link to a card on a reader: shared, with one transaction from [`Link::hold`] to [`Link::close`], reset at the end.
pub struct PcscLink {
    reader: String,
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    patience: Patience,
    told: bool,
    held: bool,
    open: bool,
}

impl PcscLink {
    /// Connects to the card on a reader.
    ///
    /// # Errors
    /// [`ReaderError`]: the card left, does not answer, or is held by another program; the service stands still.
    pub fn connect(service: &Service, reader: &str, patience: Patience) -> Result<Self, ReaderError> {
        let (requests, incoming) = channel();
        let (outgoing, answers) = channel();
        let name = CString::new(reader).map_err(|_| ReaderError::from_pcsc(Error::UnknownReader, reader))?;
        service.post(move |context| {
            let context = context.clone();
            std::thread::spawn(move || {
                let mut connected = context.connect(&name, ShareMode::Shared, Protocols::ANY);
                for _ in 0..LOOKS {
                    // While another program resets the card, it has no protocol.
                    if !matches!(connected, Err(Error::ProtoMismatch)) {
                        break;
                    }
                    std::thread::sleep(LOOK_AGAIN);
                    connected = context.connect(&name, ShareMode::Shared, Protocols::ANY);
                }
                match connected {
                    Err(error) => drop(outgoing.send(Err(error))),
                    Ok(card) => {
                        let _ = outgoing.send(Ok(Vec::new()));
                        serve(card, &incoming, &outgoing);
                    }
                }
            });
        });
        let within = patience.within;
        let mut link =
            Self { reader: reader.to_owned(), requests, answers, patience, told: false, held: false, open: true };
        let connected = link.wait(within);
        // Nothing is there to be closed, or the thread hangs.
        link.open = matches!(connected, Ok(Ok(_)));
        match connected {
            Ok(Ok(_)) => Ok(link),
            Ok(Err(error)) => Err(ReaderError::from_pcsc(error, reader)),
            Err(fault) => Err(match fault {
                LinkFault::Interrupted => ReaderError::Interrupted,
                LinkFault::ReaderGone => ReaderError::ServiceStopped,
                LinkFault::ServiceHangs => ReaderError::NoAnswer,
                _ => ReaderError::Held(reader.to_owned()),
            }),
        }
    }

    fn call(&mut self, request: Request) -> Result<Vec<u8>, LinkError> {
        if !self.open || self.requests.send(request).is_err() {
            return Err(LinkError::new(LinkFault::ReaderGone, "the link to the card is closed"));
        }
        match self.wait(ANSWERS_WITHIN) {
            Ok(answer) => answer.map_err(link_error),
            Err(fault) => {
                // The thread hangs in the call: whatever it answers later belongs to nobody.
                self.open = false;
                let within = ANSWERS_WITHIN.as_secs();
                let detail = match fault {
                    LinkFault::Busy => format!(
                        "no answer on {} within {within} s: another program does not let go of the card, or the token hangs",
                        plain(&self.reader)
                    ),
                    LinkFault::TimedOut => format!("no answer within {within} s"),
                    LinkFault::ServiceHangs => ReaderError::NoAnswer.to_string(),
                    LinkFault::Interrupted => "interrupted".to_owned(),
                    _ => "the PC/SC library ended unexpectedly".to_owned(),
                };
                Err(LinkError::new(fault, detail))
            }
        }
    }

    /// Waits for the thread's answer. Until the card is held, a call that hangs waits for another program.
    fn wait(&mut self, limit: Duration) -> Result<Answer, LinkFault> {
        let began = Instant::now();
        loop {
            match self.answers.recv_timeout(SLICE) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(LinkFault::ReaderGone),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let hangs = began.elapsed() >= HANGS_AFTER;
            // A write is not left alone at once: its outcome would be unknown. One that hangs is unknown already.
            if (hangs || !(self.held || self.patience.finishes)) && (self.patience.interrupted)() {
                return Err(LinkFault::Interrupted);
            }
            if began.elapsed() >= limit {
                return Err(match self.held {
                    _ if stands_still() => LinkFault::ServiceHangs,
                    true => LinkFault::TimedOut,
                    false => LinkFault::Busy,
                });
            }
            if hangs && !self.held && !self.told {
                self.told = true;
                (self.patience.on_hang)();
            }
        }
    }
}

impl Link for PcscLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let reply = self.call(Request::Transmit(Zeroizing::new(command.to_vec())))?;
        if reply.is_empty() {
            return Err(LinkError::new(LinkFault::Removed, "the reader reports success and no data"));
        }
        Ok(reply)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.call(Request::Hold)?;
        self.held = true;
        Ok(())
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.call(Request::Reset).map(|_| ())
    }

    fn close(&mut self) {
        if self.open {
            let _ = self.call(Request::Close);
            self.open = false;
        }
    }
}

impl Drop for PcscLink {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread's work: one PC/SC call a request.
fn serve(mut card: Card, requests: &Receiver<Request>, answers: &Sender<Answer>) {
    // Any reply of a short command fits; a longer one is an error of the reader.
    let mut buffer = [0; MAX_RESPONSE + 256];
    let (mut held, mut looked) = (false, 0);
    for request in requests {
        let is_hold = matches!(request, Request::Hold);
        let mut answer = match request {
            Request::Transmit(command) => card.transmit(&command, &mut buffer).map(<[u8]>::to_vec),
            // Forgotten on purpose: the transaction lasts until the disconnect, which ends it.
            Request::Hold => card.transaction().map(std::mem::forget).map(|()| Vec::new()),
            // In a transaction as outside of one: the handle stays, and what was authenticated may be gone.
            Request::Reset => {
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard).map(|()| Vec::new())
            }
            Request::Close => break,
        };
        held |= is_hold && answer.is_ok();
        match answer {
            // The handle works again after this; what was authenticated is gone, and the caller is told so.
            Err(Error::ResetCard) => {
                let _ = card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard);
            }
            // A reset by another program in the middle of an answer looks like this, and so does a card that has left:
            // which it was, the next answer tells. Without a protocol nothing was sent, whoever holds the card.
            Err(error @ (Error::NotTransacted | Error::ProtoMismatch))
                if looked < LOOKS && (!held || error == Error::ProtoMismatch) =>
            {
                looked += 1;
                std::thread::sleep(LOOK_AGAIN);
                if card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard).is_ok() {
                    answer = Err(Error::ResetCard);
                }
            }
            _ => {}
        }
        if answers.send(answer).is_err() {
            break;
        }
    }
    let closed = card.disconnect(Disposition::ResetCard).map(|()| Vec::new()).map_err(|(card, error)| {
        std::mem::forget(card);
        error
    });
    let _ = answers.send(closed);
}

fn link_error(error: Error) -> LinkError {
    let fault = match error {
        // pcsc-lite looks for a removal before it sends anything; others report it the same way in the middle.
        Error::RemovedCard | Error::NoSmartcard if cfg!(target_os = "linux") => LinkFault::LeftBefore,
        Error::RemovedCard | Error::NoSmartcard | Error::UnpoweredCard | Error::UnresponsiveCard => LinkFault::Removed,
        Error::ResetCard => LinkFault::Reset,
        Error::NotTransacted => LinkFault::NoAnswer,
        Error::SharingViolation => LinkFault::Busy,
        Error::ReaderUnavailable
        | Error::UnknownReader
        | Error::NoService
        | Error::ServiceStopped
        | Error::InvalidHandle
        | Error::CommError => LinkFault::ReaderGone,
        _ => LinkFault::Other,
    };
    LinkError::new(fault, format!("PC/SC reports: {error}"))
}
