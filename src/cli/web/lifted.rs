//! What lies on a reader when a run begins is not meant for that run.

use std::sync::Mutex;

use super::state::State;
use crate::device::Device;
use crate::job::{Answer, ReaderNews, ReaderRef, Visitor, locked};
use crate::web::{Board, PlaceState};

/// A visitor that passes over what lay on a reader before its run began: that was laid down for something else.
pub struct Lifted<'a> {
    /// The visitor of this run.
    pub inner: &'a dyn Visitor,
    /// The state of the readers.
    pub state: &'a Mutex<State>,
    /// The board, which says what was passed over.
    pub board: &'a Board,
}

impl Visitor for Lifted<'_> {
    fn visit(&self, place: &ReaderRef, mut device: Box<dyn Device>) {
        let is_lying = {
            let mut state = locked(self.state);
            // A folder's tokens come one after the other, each laid down anew.
            if !place.reader.starts_with("emulated:") {
                state.occupied.insert(place.reader.clone());
            }
            state.lying.contains(&place.reader)
        };
        match is_lying {
            true => {
                device.close();
                self.board.at(&place.reader, |shown| {
                    shown.state = PlaceState::LayBack;
                    "it lay there before; nothing was done with it".clone_into(&mut shown.what);
                    "take it off; only what is laid down from now on counts".clone_into(&mut shown.next);
                });
            }
            false => self.inner.visit(place, device),
        }
    }

    fn reader(&self, place: Option<&ReaderRef>, news: ReaderNews) {
        self.inner.reader(place, news);
    }

    fn answer(&self, id: u64, answer: Answer) {
        self.inner.answer(id, answer);
    }

    fn settle(&self) {
        self.inner.settle();
    }

    fn is_over(&self) -> bool {
        self.inner.is_over()
    }
}
