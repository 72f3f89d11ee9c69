//! The view of a run of many tokens: live on a terminal, else one line an event, or one JSON object an event.
//!
//! The live view keeps a line for the progress and one for each reader at the bottom; what happened scrolls away above
//! them. It needs no colour, stays within the terminal's width, and writes nothing to a terminal that cannot do it.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Local;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Global;
use super::interrupt::RESUME;
use super::output::Output;
use super::station::wait_seconds;
use super::terminal::Careful;
use super::{describe, interrupt, prompt, verify};
use crate::device::Info;
use crate::job::{Answer, Asks, Failure, Question, ReaderNews, ReaderRef, TokenState, Visitor, attend};
use crate::otp::Code;
use crate::plain::plain;
use crate::reader::Trays;
use crate::report::{self, Audience, ReaderEvent, Report, remedy_of_reader};
use crate::time::{HostClock, SystemClock};

/// How often the view is refreshed while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// How many characters of a reader's name are shown.
const NAME_WIDTH: usize = 26;

/// How long the second of two bells waits for the first.
const BELL_PAUSE: Duration = Duration::from_millis(200);

/// How a token left, for the ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// Nothing to hear.
    None,
    /// One stroke.
    Well,
    /// Two strokes.
    Badly,
}

/// The lines at the bottom of a terminal.
struct Live {
    all: MultiProgress,
    top: ProgressBar,
    /// What waits for a server that is away.
    waiting: Option<ProgressBar>,
    readers: BTreeMap<String, ProgressBar>,
}

/// The view of a run.
pub struct Screen<'a> {
    output: &'a Output,
    live: Option<Live>,
    bells: bool,
    /// That a first Ctrl-C was noted has been said.
    said_stopping: bool,
    /// Somebody can be asked for codes.
    pub asks: bool,
}

impl<'a> Screen<'a> {
    /// A screen on this terminal, if it is one.
    pub fn new(output: &'a Output, quiet_bell: bool) -> Self {
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let live = (is_terminal && !is_dumb && !output.is_json()).then(|| {
            let all =
                MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(Careful::stderr()), 5));
            let top = all.add(ProgressBar::no_length().with_style(style()));
            Live { all, top, waiting: None, readers: BTreeMap::new() }
        });
        let bells = !quiet_bell && std::io::stderr().is_terminal();
        Self { output, live, bells, said_stopping: false, asks: prompt::has_person() && !output.is_json() }
    }

    /// Whether there is a live view.
    pub fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Something happened.
    pub fn event(&self, event: &impl Report, bell: Bell) {
        self.event_shown_as(event, None, bell);
    }

    /// Something happened that is shown to people in another text than the report's own.
    pub fn event_shown_as(&self, event: &impl Report, text: Option<String>, bell: Bell) {
        let text = text.unwrap_or_else(|| event.text());
        self.above(|| match self.output.is_json() {
            true => self.output.report(event),
            false if self.is_live() => self.output.text(&wrapped(&text)),
            false => self.output.text(&text),
        });
        self.ring(bell);
    }

    /// A remark on standard error.
    pub fn note(&self, text: &str) {
        self.above(|| self.output.note(text));
    }

    /// Runs what prints, without the live lines in its way.
    fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.live {
            Some(live) => live.all.suspend(print),
            None => print(),
        }
    }

    fn ring(&self, bell: Bell) {
        let strokes = match bell {
            _ if !self.bells => 0,
            Bell::None => 0,
            Bell::Well => 1,
            Bell::Badly => 2,
        };
        for stroke in 0..strokes {
            if stroke > 0 {
                std::thread::sleep(BELL_PAUSE);
            }
            let _ = std::io::stderr().write_all(b"\x07");
        }
    }

    /// The line of progress.
    pub fn progress(&self, text: &str) {
        if let Some(live) = &self.live {
            live.top.set_message(plain(text));
        }
    }

    /// What waits for a server that is away, in a line of its own for as long as it does.
    pub fn waiting(&mut self, what: Option<String>) {
        let Some(live) = &mut self.live else { return };
        match what {
            Some(what) => {
                let (all, top) = (&live.all, &live.top);
                let line = live
                    .waiting
                    .get_or_insert_with(|| all.insert_after(top, ProgressBar::no_length().with_style(style())));
                line.set_message(what);
            }
            None => {
                if let Some(line) = live.waiting.take() {
                    line.finish_and_clear();
                    live.all.remove(&line);
                }
            }
        }
    }

    /// The line of a reader.
    pub fn at_reader(&mut self, place: &ReaderRef, text: &str) {
        let Some(live) = &mut self.live else { return };
        let number = place.number.unwrap_or(live.readers.len() + 1);
        let all = &live.all;
        let line = live.readers.entry(place.reader.clone()).or_insert_with(|| {
            let line = all.add(ProgressBar::no_length().with_style(style()));
            line.set_prefix(number.to_string());
            line
        });
        line.set_message(format!(
            "{} {:NAME_WIDTH$}  {}",
            line.prefix(),
            describe::tail(&plain(&place.reader), NAME_WIDTH),
            plain(text),
        ));
    }

    /// An event at a reader, or at all of them.
    pub fn reader(&mut self, place: Option<&ReaderRef>, news: &ReaderNews) {
        match (place, news) {
            (Some(place), ReaderNews::Came) => self.at_reader(place, "ready"),
            (Some(place), ReaderNews::Waits) => self.at_reader(place, "waiting for a token"),
            (Some(place), ReaderNews::Other(what)) => {
                self.at_reader(place, "no token that answers");
                self.reader_event(
                    Some(place),
                    &format!("{what}: {}", remedy_of_reader(&what.remedy(), Audience::Terminal)),
                );
            }
            (Some(place), ReaderNews::Gone(why)) => {
                self.at_reader(place, "gone");
                self.reader_event(Some(place), &format!("{} is gone: {why}", describe::plain(&place.reader)));
            }
            (None, ReaderNews::Gone(why)) => self
                .reader_event(None, &format!("{why}; next: {}", remedy_of_reader(&why.remedy(), Audience::Terminal))),
            (None, _) => {}
        }
    }

    fn reader_event(&self, place: Option<&ReaderRef>, text: &str) {
        if self.output.is_json() {
            let reader = place.map(|place| place.reader.clone());
            self.output.report(&ReaderEvent::Reader { reader, message: text.to_owned() });
        } else {
            self.note(text);
        }
        self.ring(Bell::Badly);
    }

    /// The answer of whoever sits at the terminal; no, where nobody does.
    fn answer(&self, question: &Question) -> Answer {
        match &question.asks {
            _ if !self.asks => Answer::No,
            Asks::Code(info) => self.ask(info).map_or(Answer::No, Answer::Code),
            Asks::GoOn(problem) => {
                let is_right = self.above(|| prompt::confirms(&report::question(problem)));
                if is_right {
                    self.note("clocks are set from now on: lay the last token on the reader again");
                }
                if is_right { Answer::Yes } else { Answer::No }
            }
        }
    }

    /// Asks for the code on a token's display; three tries.
    fn ask(&self, info: &Info) -> Option<Code> {
        let question = format!("Switch {} off and on. Code on its display (Enter to skip): ", info.serial);
        self.above(|| {
            for _ in 0..3 {
                let answer = prompt::line(&question, TokenState::CodeUnchecked(info.clone()), RESUME)?;
                match verify::parse_code(&answer) {
                    Ok(code) => return Some(code),
                    Err(_) => self.output.note("a code has 6 digits"),
                }
            }
            None
        })
    }

    fn tick(&mut self) {
        if interrupt::asked() && !std::mem::replace(&mut self.said_stopping, true) {
            self.note("stopping after the token in hand; Ctrl-C again stops at once");
        }
        if let Some(live) = &self.live {
            live.top.tick();
        }
    }

    /// Takes the live lines away.
    pub fn close(&mut self) {
        if let Some(live) = self.live.take() {
            let _ = live.all.clear();
        }
    }
}

/// Text that breaks between words, at the terminal's width.
fn wrapped(text: &str) -> String {
    let width = textwrap::termwidth();
    let lines = text.lines().map(|line| {
        let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
        textwrap::fill(line, textwrap::Options::new(width).subsequent_indent(&indent))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line as wide as the terminal and no wider.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A bar of `width` characters in black and white.
pub fn bar(done: u64, all: u64, width: usize) -> String {
    let filled = usize::try_from(done * width as u64 / all.max(1)).unwrap_or(width).min(width);
    format!("[{}{}]", "#".repeat(filled), ".".repeat(width - filled))
}

/// When a run will end at the pace so far: `14:32`, or nothing before there is a pace.
pub fn expected_end(clock: &SystemClock, began: Duration, done: u64, left: u64) -> Option<String> {
    let now = clock.now();
    let passed = now.monotonic.saturating_sub(began);
    let each = passed.checked_div(u32::try_from(done).ok()?)?;
    let end = now.wall + each.checked_mul(u32::try_from(left).ok()?)?;
    Some(end.with_timezone(&Local).format("%H:%M").to_string())
}

/// How long nothing has come: `--wait` ends a run.
pub struct Idle {
    limit: Option<Duration>,
    since: Mutex<Instant>,
}

impl Idle {
    /// Begins now.
    ///
    /// # Errors
    /// A usage failure for what is not a number of seconds.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let limit = wait_seconds(global)?.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Self { limit, since: Mutex::new(Instant::now()) })
    }

    /// A token came or went.
    pub fn note(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nothing came for too long.
    pub fn is_over(&self) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.limit.is_some_and(|limit| since.elapsed() >= limit)
    }
}

/// A message from a worker to the screen.
pub enum Message<N> {
    /// Something happened.
    News(N),
    /// A question came up.
    Asks(Question),
    /// All is done.
    Over,
}

/// The way from the workers to the screen.
pub struct Wire<N> {
    sender: Sender<Message<N>>,
    inbox: Receiver<Message<N>>,
}

impl<N: Send> Wire<N> {
    /// A new one.
    pub fn new() -> Self {
        let (sender, inbox) = channel();
        Self { sender, inbox }
    }

    /// Where workers tell what happens.
    pub fn sender(&self) -> Sender<Message<N>> {
        self.sender.clone()
    }

    /// Attends the readers, and shows what happens, until all is done.
    pub fn run(
        self,
        trays: &mut dyn Trays,
        visitor: &dyn Visitor,
        screen: &mut Screen<'_>,
        show: &mut dyn FnMut(&mut Screen<'_>, N),
    ) {
        let Self { sender, inbox } = self;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Said even if a worker panics, so that the screen does not wait for ever.
                let _over = SaysOver(sender);
                attend(trays, visitor);
            });
            loop {
                match inbox.recv_timeout(TICK) {
                    Ok(Message::News(news)) => show(screen, news),
                    Ok(Message::Asks(question)) => visitor.answer(question.id, screen.answer(&question)),
                    Ok(Message::Over) | Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                screen.tick();
            }
        });
        screen.close();
    }
}

/// Tells the screen that all is done when it is dropped.
struct SaysOver<N>(Sender<Message<N>>);

impl<N> Drop for SaysOver<N> {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Over);
    }
}
