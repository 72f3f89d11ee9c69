//! Questions that come up in a batch, and what becomes of their answers.

use super::news::{BatchNews, Left};
use super::unjudged::{Unjudged, Waiting};
use super::visit::BatchVisitor;
use crate::device::Profile;
use crate::inventory::{Deed, Outcome, RowState, SlotKey};
use crate::job::question::{Asks, Question};
use crate::job::reader_news::ReaderRef;
use crate::job::verify::{Verdict, WINDOW_S, expected_profile, judge, token_time};
use crate::job::{Failure, locked};
use crate::otp::Code;
use crate::time::{HostClock, UnixTime};

impl BatchVisitor<'_> {
    /// Asks for the code on the display of a token that was burned.
    pub(super) fn ask_code(&self, unjudged: Unjudged) {
        let (place, asks) = (unjudged.place.clone(), Asks::Code(unjudged.report.info.clone()));
        let id = self.questions.open(Waiting::Code(Box::new(unjudged)));
        (self.around.tell)(BatchNews::Asks(Question { id, place, asks }));
    }

    /// Judges a code that was typed. A slip of the finger is no wrong token: it is asked for again.
    pub(super) fn judge(&self, of: Unjudged, code: Code) {
        let now = match (self.around.host)() {
            Ok(host) => host.now().wall,
            Err(failure) => {
                locked(&self.fatal).get_or_insert(failure);
                return self.conclude(of);
            }
        };
        let config = of.report.config.map(|config| config.profile);
        let profile = expected_profile(config.map(Profile::hash), config.map(Profile::step));
        let verdict = judge(of.report.info.can, &of.seed, profile, &[code], token_time(now, of.drift), WINDOW_S);
        let is_right = verdict.is_accepted(profile.step.seconds());
        if is_right {
            return self.judged(of, verdict, now, true);
        }
        let of = Unjudged { wrong: Some((verdict, now)), tries: of.tries - 1, ..of };
        if of.tries > 0 { self.ask_code(of) } else { self.conclude(of) }
    }

    /// Ends the check of a token: by its last wrong code, if there was one. Where nobody answered, it is unchecked.
    pub(super) fn conclude(&self, mut of: Unjudged) {
        match of.wrong.take() {
            Some((verdict, at)) => self.judged(of, verdict, at, false),
            None => {
                let Unjudged { place, report, row, .. } = of;
                self.left(&place, Some(report.info.clone()), Some(row), Left::Burned(Box::new(report)));
            }
        }
    }

    fn judged(&self, of: Unjudged, verdict: Verdict, at: UnixTime, is_right: bool) {
        let Unjudged { place, report, row, .. } = of;
        let (outcome, state, error) = if is_right {
            (Outcome::Right, RowState::Checked, None)
        } else {
            (Outcome::Wrong, RowState::Failed, Some("the code on its display was wrong".to_owned()))
        };
        let serial = report.info.serial.as_str();
        let change = self.change(&row, RowState::Burned, state, Some(serial), error);
        match self.recorder(&place, Deed::Verify).note(at, &SlotKey::only(serial), outcome, Some(change.clone())) {
            Ok(()) => self.batch.note(change.was, change.state),
            Err(error) => self.give_up(error),
        }
        let info = report.info.clone();
        let how = Left::Judged(Box::new(report), Box::new(verdict), is_right);
        self.left(&place, Some(info), Some(row), how);
    }

    /// Asks whether the host is right, where that is not asked already.
    pub(super) fn ask_to_go_on(&self, place: &ReaderRef, failure: Failure) {
        let asks = Asks::GoOn(Box::new(failure.problem.clone()));
        let is_asked = |waiting: &Waiting| matches!(waiting, Waiting::GoOn(_));
        if let Some(id) = self.questions.open_unless(is_asked, Waiting::GoOn(Box::new(failure))) {
            (self.around.tell)(BatchNews::Asks(Question { id, place: place.clone(), asks }));
        }
    }
}
