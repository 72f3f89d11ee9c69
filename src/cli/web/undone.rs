//! What can be done at the page about tokens that did not leave as they should be.

use super::readers::Readers;
use crate::job::desk::{Done, Visited, Why};
use crate::job::server::AfterSync;
use crate::web::PlaceRemedy;

impl Readers<'_> {
    /// What can be done at the page about a token that did not leave as it should be.
    pub(super) fn remedy(&self, visited: &Visited, bound: f64) -> Option<PlaceRemedy> {
        if matches!(&visited.done, Done::Read(_, Why::UnknownProfile)) {
            return Some(PlaceRemedy::StateProfile);
        }
        let has_opener = self.opener().is_some();
        // Mended, it is undone no more: only where nothing else is wrong with it.
        if visited.servers.iter().any(AfterSync::is_open) && visited.is_well_but_for_servers(bound) {
            return has_opener.then_some(PlaceRemedy::Mend);
        }
        let serial = visited.info.as_ref()?.serial.as_str();
        let token = self.known(serial)?;
        let is_lost = token.erased.is_some() || token.pending.as_ref().is_some_and(|pending| pending.seed.is_some());
        (is_lost && has_opener && token.held_sealed().is_some()).then_some(PlaceRemedy::BurnAgain)
    }

    /// The servers of a token are mended: where that was all, it is undone no more.
    #[cfg(feature = "servers")]
    pub(super) fn settled(&self, serial: &str) {
        if self.board.is_undone_for(serial, PlaceRemedy::Mend) {
            let undone = &mut crate::job::locked(&self.state).undone;
            undone.retain(|known| known != serial);
            self.board.settled(serial, undone.len());
            self.board.change_places(|place| {
                if place.serial.as_deref() == Some(serial) && place.remedy == Some(PlaceRemedy::Mend) {
                    (place.state, place.remedy) = (crate::web::PlaceState::Well, None);
                    "its servers are mended; take the token off".clone_into(&mut place.next);
                }
            });
        }
    }
}
