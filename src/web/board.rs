//! The board: all that the page shows of the desk at this moment. A page that was reloaded, slept or hung gets it as it is now, so that it
//! misses nothing, and nothing is kept for it meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::report::utc;
use crate::time::UnixTime;

/// How many tokens are shown below the readers.
const VISITS: usize = 20;

/// How many tokens that were left undone are listed; their number is counted in any case.
const UNDONE: usize = 200;

/// The facts that do not depend on the tokens on the readers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Facts {
    /// The program's version.
    pub version: &'static str,
    /// This computer's name.
    pub desk: String,
    /// The user of the program.
    pub operator: String,
    /// The inventory; `null`: none.
    pub inventory: Option<String>,
    /// The servers that the inventory knows, by name.
    pub servers: Vec<String>,
    /// Clocks are set.
    pub sets_clocks: bool,
    /// Up to this drift a clock is right, in seconds.
    pub bound_s: f64,
    /// What is known of the host's clock, in words.
    pub host_clock: String,
    /// The host's clock is vouched for.
    pub host_is_trusted: bool,
    /// The fault in who can change the inventory, or in whom it seals to.
    pub warning: Option<String>,
    /// The page shows the desk only.
    pub kiosk: bool,
}

/// How a reader's place looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceState {
    /// A token can be laid down.
    #[default]
    Ready,
    /// It waits for a token.
    Waiting,
    /// The clock of the token there is measured.
    Measuring,
    /// The token there is written.
    Writing,
    /// The token left as it should be.
    Well,
    /// It did not.
    Badly,
    /// It is to be laid back.
    LayBack,
    /// What lies there is no token.
    NoToken,
    /// The reader is gone.
    Gone,
}

impl PlaceState {
    /// Whether it says how the last token left.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Well | Self::Badly | Self::LayBack)
    }
}

/// A reader's place on the board.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Place {
    /// Its name.
    pub reader: String,
    /// Its number in `tokentap readers`.
    pub number: Option<usize>,
    /// How it looks.
    pub state: PlaceState,
    /// The token there, in words.
    pub token: String,
    /// What was found and done, or what is wrong with the reader.
    pub what: String,
    /// The next step.
    pub next: String,
    /// The token's user.
    pub user: Option<String>,
    /// The token's serial.
    pub serial: Option<String>,
    /// The slots with a seed of a device that has several, a line each.
    pub slots: Vec<String>,
    /// The drift before, and afterwards, in seconds.
    pub drift: Option<(f64, Option<f64>)>,
    /// What can be done about it at the page.
    pub remedy: Option<PlaceRemedy>,
}

/// What somebody at the page can do about a token that did not leave as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceRemedy {
    /// Say its hash and time step: then it can be set.
    StateProfile,
    /// Make its server accept its codes again.
    Mend,
    /// Burn its sealed seed again.
    BurnAgain,
}

/// A question on the board.
#[derive(Debug, Clone, Serialize)]
struct Asked {
    id: u64,
    reader: String,
    /// The token whose code is asked for; missing for yes or no.
    #[serde(flatten)]
    code: Option<AskedCode>,
    text: String,
}

/// The code that is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct AskedCode {
    /// The token on whose display it is.
    pub serial: String,
    /// How long each code is shown, in seconds; `null`: not on record.
    pub step_s: Option<u32>,
}

/// A token that was dealt with.
#[derive(Debug, Clone, Serialize)]
struct Seen {
    at: String,
    well: bool,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Default, Serialize)]
struct Shown {
    number: u64,
    facts: Facts,
    readers: BTreeMap<String, Place>,
    questions: BTreeMap<u64, Asked>,
    visits: VecDeque<Seen>,
    tokens: usize,
    set: usize,
    undone: BTreeMap<String, Seen>,
    undone_count: usize,
    /// A remark that stands until it is no longer true, such as that the service is gone.
    notice: Option<String>,
    /// What waits for an inventory on a server that is away.
    waits: Option<String>,
    /// Why the last visit is in no record.
    unrecorded: Option<String>,
    /// The tokens whose sealed seed is burned again when they are laid down, by serial.
    burns: Vec<String>,
    batch: Value,
}

/// The board.
pub struct Board {
    shown: Mutex<Shown>,
    number: watch::Sender<u64>,
}

impl Board {
    /// A board on which nothing has happened.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        let (number, _) = watch::channel(1);
        Self { shown: Mutex::new(Shown { number: 1, facts, ..Shown::default() }), number }
    }

    /// The number of the board, which changes whenever it does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.number.subscribe()
    }

    /// The board as JSON.
    #[must_use]
    pub fn shown(&self) -> String {
        serde_json::to_string(&*self.lock()).unwrap_or_default()
    }

    /// Changes the place of a reader.
    pub fn at(&self, reader: &str, change: impl FnOnce(&mut Place)) {
        self.change(|shown| {
            let place = shown.readers.entry(reader.to_owned()).or_default();
            reader.clone_into(&mut place.reader);
            change(place);
        });
    }

    /// Changes the places of all readers.
    pub fn change_places(&self, change: impl FnMut(&mut Place)) {
        self.change(|shown| shown.readers.values_mut().for_each(change));
    }

    /// The evidence on the host's clock by now, and whether it is vouched for.
    pub fn host_clock(&self, words: String, is_trusted: bool) {
        let is_so = {
            let shown = self.lock();
            shown.facts.host_clock == words && shown.facts.host_is_trusted == is_trusted
        };
        if !is_so {
            self.change(|shown| (shown.facts.host_clock, shown.facts.host_is_trusted) = (words, is_trusted));
        }
    }

    /// The servers that the inventory knows by now, by name.
    pub fn servers(&self, names: Vec<String>) {
        self.set(|shown| &mut shown.facts.servers, names);
    }

    /// A remark, or that there is none any more.
    pub fn notice(&self, notice: Option<String>) {
        self.change(|shown| shown.notice = notice);
    }

    /// Why the last visit is in no record, or that it is.
    pub fn unrecorded(&self, why: Option<String>) {
        self.set(|shown| &mut shown.unrecorded, why);
    }

    /// The tokens whose sealed seed is burned again when they are laid down.
    pub fn burns(&self, serials: Vec<String>) {
        self.set(|shown| &mut shown.burns, serials);
    }

    /// What waits for an inventory on a server that is away, or that nothing does.
    pub fn waits(&self, waits: Option<String>) {
        self.set(|shown| &mut shown.waits, waits);
    }

    /// A question came up: for the code of a token, or for yes or no.
    pub fn asks(&self, id: u64, reader: &str, code: Option<AskedCode>, text: String) {
        let reader = reader.to_owned();
        self.change(|shown| drop(shown.questions.insert(id, Asked { id, reader, code, text })));
    }

    /// No question is open any more.
    pub fn no_questions(&self) {
        self.change(|shown| shown.questions.clear());
    }

    /// A question was answered; `false` if it was not open any more.
    pub fn answered(&self, id: u64) -> bool {
        let mut was_open = false;
        self.change(|shown| was_open = shown.questions.remove(&id).is_some());
        was_open
    }

    /// A token was dealt with at a reader, which looks like this from now on; `was_set`: its clock was.
    pub fn left(&self, place: Place, is_well: bool, was_set: bool, at: UnixTime) {
        let at = utc(at);
        self.change(|shown| {
            let seen = Seen { at, well: is_well, place: place.clone() };
            shown.tokens += 1;
            shown.set += usize::from(was_set);
            if let Some(serial) = &place.serial {
                if is_well {
                    shown.undone.remove(serial);
                } else if shown.undone.len() < UNDONE || shown.undone.contains_key(serial) {
                    shown.undone.insert(serial.clone(), seen.clone());
                }
            }
            shown.visits.push_front(seen);
            shown.visits.truncate(VISITS);
            shown.readers.insert(place.reader.clone(), place);
        });
    }

    /// A token that was undone is so no more, although it was not laid down again.
    pub fn settled(&self, serial: &str, undone: usize) {
        self.change(|shown| {
            shown.undone.remove(serial);
            shown.undone_count = undone;
        });
    }

    /// Whether a token was left undone, and this would help.
    #[must_use]
    pub fn is_undone_for(&self, serial: &str, remedy: PlaceRemedy) -> bool {
        self.lock().undone.get(serial).is_some_and(|seen| seen.place.remedy == Some(remedy))
    }

    /// How many tokens are undone, where more are than are listed.
    pub fn undone(&self, count: usize) {
        self.change(|shown| shown.undone_count = count);
    }

    /// The batch, as its report says.
    pub fn batch(&self, batch: Value) {
        self.change(|shown| shown.batch = batch);
    }

    /// Sets a part of the board. Where it is so already, nobody is told.
    fn set<T: PartialEq>(&self, part: impl Fn(&mut Shown) -> &mut T, value: T) {
        let is_so = *part(&mut self.lock()) == value;
        if !is_so {
            self.change(|shown| *part(shown) = value);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        let number = {
            let mut shown = self.lock();
            change(&mut shown);
            shown.number += 1;
            shown.number
        };
        // Nobody may be listening; then nobody has to hear.
        self.number.send_replace(number);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
