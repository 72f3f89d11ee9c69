//! Which of the readers to use.

use super::atr::CardKind;
use super::slot::{Laid, Slot};
use super::trouble::ReaderError;

/// What the user said of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Nothing: the one that holds a token.
    Any,
    /// A name, a part of one, or a number as in `tokentap readers`.
    Named(String),
}

/// What the readers that come into question hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// This reader holds what is to be used.
    Slot(Slot),
    /// Nothing yet. If a reader holds something mute, it is named.
    Wait {
        /// The reader that holds something that does not answer.
        mute: Option<String>,
    },
}

/// Picks the reader to use among `slots`.
///
/// Without a selector, names with `SAM` and mute slots are passed over; with one, every reader that it fits comes into
/// question. Among several cards, one that looks like a token wins over those that do not.
///
/// # Errors
/// [`ReaderError::NoReader`], [`ReaderError::NoSuchReader`], [`ReaderError::Several`], [`ReaderError::StorageTag`].
pub fn pick(slots: &[Slot], selector: &Selector) -> Result<Pick, ReaderError> {
    if slots.is_empty() {
        return Err(ReaderError::NoReader);
    }
    let candidates = candidates(slots, selector)?;
    let cards: Vec<(&Slot, CardKind)> = candidates
        .iter()
        .filter_map(|slot| match slot.laid {
            Laid::Card(kind) => Some((*slot, kind)),
            _ => None,
        })
        .collect();
    let tokens: Vec<&Slot> =
        cards.iter().filter(|(_, kind)| *kind == CardKind::Contactless).map(|(slot, _)| *slot).collect();
    match (tokens.as_slice(), cards.as_slice()) {
        ([token], _) => Ok(Pick::Slot((*token).clone())),
        ([], [(slot, CardKind::StorageTag)]) => Err(ReaderError::StorageTag(slot.name.clone())),
        ([], [(slot, _)]) => Ok(Pick::Slot((*slot).clone())),
        ([], []) => {
            let mute = candidates.iter().find(|slot| slot.laid == Laid::Mute).map(|slot| slot.name.clone());
            Ok(Pick::Wait { mute })
        }
        _ => Err(ReaderError::Several(cards.iter().map(|(slot, _)| slot.name.clone()).collect())),
    }
}

/// The slots that a selector fits; without one, all but those with `SAM` in their names.
///
/// # Errors
/// [`ReaderError::NoSuchReader`].
pub fn candidates<'a>(slots: &'a [Slot], selector: &Selector) -> Result<Vec<&'a Slot>, ReaderError> {
    let wanted = match selector {
        Selector::Any => {
            let usual: Vec<&Slot> = slots.iter().filter(|slot| !slot.name.contains("SAM")).collect();
            return Ok(if usual.is_empty() { slots.iter().collect() } else { usual });
        }
        Selector::Named(wanted) => wanted,
    };
    if let Some(slot) = slots.iter().find(|slot| slot.name == *wanted) {
        return Ok(vec![slot]);
    }
    if let Some(slot) = wanted.parse().ok().and_then(|number: usize| slots.get(number.wrapping_sub(1))) {
        return Ok(vec![slot]);
    }
    let part = wanted.to_lowercase();
    let fitting: Vec<&Slot> = slots.iter().filter(|slot| slot.name.to_lowercase().contains(&part)).collect();
    if fitting.is_empty() || part.is_empty() {
        let readers = slots.iter().map(|slot| slot.name.clone()).collect();
        return Err(ReaderError::NoSuchReader { wanted: wanted.clone(), readers });
    }
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str, laid: Laid) -> Slot {
        Slot { name: name.to_owned(), laid, exclusive: false }
    }

    fn token() -> Laid {
        Laid::Card(CardKind::Contactless)
    }

    fn picked(slots: &[Slot], selector: &str) -> Result<String, ReaderError> {
        let selector = if selector.is_empty() { Selector::Any } else { Selector::Named(selector.to_owned()) };
        match pick(slots, &selector)? {
            Pick::Slot(slot) => Ok(slot.name),
            Pick::Wait { mute } => Ok(format!("wait {mute:?}")),
        }
    }

    #[test]
    fn the_one_that_holds_a_token_is_used_and_sam_slots_are_passed_over() {
        let slots = [slot("ACR1252 SAM 0", token()), slot("ACR1252 PICC 0", token()), slot("Other", Laid::Nothing)];
        assert_eq!(picked(&slots, ""), Ok("ACR1252 PICC 0".into()));
        assert_eq!(picked(&slots, "sam"), Ok("ACR1252 SAM 0".into()));
    }

    #[test]
    fn a_reader_goes_by_name_part_of_a_name_and_number() {
        let slots = [slot("Alpha 00 00", token()), slot("Beta 00 00", token())];
        assert_eq!(picked(&slots, "Beta 00 00"), Ok("Beta 00 00".into()));
        assert_eq!(picked(&slots, "bet"), Ok("Beta 00 00".into()));
        assert_eq!(picked(&slots, "1"), Ok("Alpha 00 00".into()));
        assert!(
            matches!(picked(&slots, "Gamma"), Err(ReaderError::NoSuchReader { readers, .. }) if readers.len() == 2)
        );
        assert!(matches!(picked(&slots, "0 7"), Err(ReaderError::NoSuchReader { .. })));
    }

    #[test]
    fn several_tokens_are_never_guessed_between() {
        let slots = [slot("Alpha", token()), slot("Beta", token())];
        assert_eq!(picked(&slots, ""), Err(ReaderError::Several(vec!["Alpha".into(), "Beta".into()])));
    }

    #[test]
    fn a_token_wins_over_a_card_with_contacts_and_over_a_tag() {
        for other in [CardKind::Other, CardKind::StorageTag] {
            let slots = [slot("Built-in", Laid::Card(other)), slot("Desk", token())];
            assert_eq!(picked(&slots, ""), Ok("Desk".into()));
        }
    }

    #[test]
    fn a_mute_slot_is_waited_for_and_named() {
        let slots = [slot("Desk", Laid::Mute), slot("Other", Laid::Nothing)];
        assert_eq!(picked(&slots, ""), Ok("wait Some(\"Desk\")".into()));
        assert_eq!(picked(&[slot("Desk", Laid::Nothing)], ""), Ok("wait None".into()));
    }

    #[test]
    fn a_storage_tag_alone_is_refused() {
        let slots = [slot("Desk", Laid::Card(CardKind::StorageTag))];
        assert_eq!(picked(&slots, ""), Err(ReaderError::StorageTag("Desk".into())));
        assert_eq!(picked(&[], ""), Err(ReaderError::NoReader));
    }
}
