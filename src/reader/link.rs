//! A card on a PC/SC reader.
//!
//! PC/SC calls have no time-out: they wait for other programs' transactions, and for cards that never answer. So they
//! run on a thread of their own, which is left behind when a call hangs.

use std::ffi::CString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, ShareMode};
use zeroize::Zeroizing;

use super::trouble::ReaderError;
use crate::iso7816::MAX_RESPONSE;
use crate::link::{Link, LinkError, LinkFault};

/// How long one command may take. Flash is written in well under a second; a reader's own limit is a few seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long another program may use the card before this one gives up.
const LET_GO_WITHIN: Duration = Duration::from_secs(15);

/// How long a call may hang before the user is told what it waits for.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// How often Ctrl-C is looked for while a call hangs.
const SLICE: Duration = Duration::from_millis(100);

enum Request {
    Transmit(Zeroizing<Vec<u8>>),
    Hold,
    Close,
}

type Answer = Result<Vec<u8>, Error>;

/// What the link asks of the program around it while a call hangs.
pub struct Patience {
    /// Called once, when another program seems to use the card.
    pub on_hang: Box<dyn FnMut()>,
    /// Whether the user wants to stop.
    pub interrupted: Box<dyn Fn() -> bool>,
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
    /// [`ReaderError`]: the card left, does not answer, or is held by another program.
    pub fn connect(context: &Context, reader: &str, patience: Patience) -> Result<Self, ReaderError> {
        let (requests, incoming) = channel();
        let (outgoing, answers) = channel();
        let context = context.clone();
        let name = CString::new(reader).map_err(|_| ReaderError::from_pcsc(Error::UnknownReader, reader))?;
        std::thread::spawn(move || {
            let connected = context.connect(&name, ShareMode::Shared, Protocols::ANY);
            let card = match connected {
                Ok(card) => card,
                Err(error) => {
                    let _ = outgoing.send(Err(error));
                    return;
                }
            };
            let _ = outgoing.send(Ok(Vec::new()));
            serve(card, &incoming, &outgoing);
        });
        let mut link =
            Self { reader: reader.to_owned(), requests, answers, patience, told: false, held: false, open: true };
        match link.wait(LET_GO_WITHIN) {
            Ok(Ok(_)) => Ok(link),
            Ok(Err(error)) => Err(ReaderError::from_pcsc(error, reader)),
            Err(fault) => Err(match fault {
                LinkFault::Interrupted => ReaderError::Interrupted,
                LinkFault::ReaderGone => ReaderError::ServiceStopped,
                _ => ReaderError::Held(reader.to_owned()),
            }),
        }
    }

    fn call(&mut self, request: Request, limit: Duration) -> Result<Vec<u8>, LinkError> {
        if !self.open || self.requests.send(request).is_err() {
            return Err(LinkError::new(LinkFault::ReaderGone, "the link to the card is closed"));
        }
        match self.wait(limit) {
            Ok(answer) => answer.map_err(link_error),
            Err(fault) => {
                // The thread hangs in the call: whatever it answers later belongs to nobody.
                self.open = false;
                let detail = match fault {
                    LinkFault::Busy => format!(
                        "no answer on {} within {} s: another program does not let go of the card, or the token hangs",
                        self.reader,
                        limit.as_secs()
                    ),
                    LinkFault::TimedOut => format!("no answer within {} s", limit.as_secs()),
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
            if began.elapsed() >= limit {
                return Err(if self.held { LinkFault::TimedOut } else { LinkFault::Busy });
            }
            // A write that hangs is not left alone: its outcome would be unknown.
            if !self.held {
                if (self.patience.interrupted)() {
                    return Err(LinkFault::Interrupted);
                }
                if began.elapsed() >= TELL_AFTER && !self.told {
                    self.told = true;
                    (self.patience.on_hang)();
                }
            }
        }
    }
}

impl Link for PcscLink {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let limit = if self.held { ANSWER_WITHIN } else { LET_GO_WITHIN };
        let reply = self.call(Request::Transmit(Zeroizing::new(command.to_vec())), limit)?;
        if reply.is_empty() {
            return Err(LinkError::new(LinkFault::Removed, "the reader reports success and no data"));
        }
        Ok(reply)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.call(Request::Hold, LET_GO_WITHIN)?;
        self.held = true;
        Ok(())
    }

    fn close(&mut self) {
        if self.open {
            let _ = self.call(Request::Close, ANSWER_WITHIN);
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
    for request in requests {
        let answer = match request {
            Request::Transmit(command) => match card.transmit(&command, &mut buffer).map(<[u8]>::to_vec) {
                // The handle works again after this; what was authenticated is gone, and the caller is told so.
                Err(Error::ResetCard) => {
                    let _ = card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard);
                    Err(Error::ResetCard)
                }
                answer => answer,
            },
            // Forgotten on purpose: the transaction lasts until the disconnect, which ends it.
            Request::Hold => card.transaction().map(std::mem::forget).map(|()| Vec::new()),
            Request::Close => break,
        };
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
