//! What lies on a reader when a run begins is not meant for that run.

use super::readers::Readers;
use crate::device::Device;
use crate::job::{Answer, ReaderNews, ReaderRef, Visitor, locked};

/// A visitor that passes over what lay on a reader before its run began: that was laid down for something else.
pub struct Lifted<'a, 'b> {
    /// The visitor of this run.
    pub inner: &'a dyn Visitor,
    /// The readers.
    pub readers: &'a Readers<'b>,
}

impl Visitor for Lifted<'_, '_> {
    fn visit(&self, place: &ReaderRef, mut device: Box<dyn Device>) {
        let is_lying = {
            let mut state = locked(&self.readers.state);
            // A folder's tokens come one after the other, each laid down anew.
            if !place.reader.starts_with("emulated:") {
                state.occupied.insert(place.reader.clone());
            }
            state.lying.contains(&place.reader)
        };
        match is_lying {
            true => {
                device.close();
                self.readers.board.at(&place.reader, |shown| {
                    shown.state = "lay-back";
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
