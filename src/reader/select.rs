//! The choice of a reader.

use super::device_kind::DeviceKind;
use super::slot::{Laid, Slot};
use super::trouble::ReaderError;

/// The user's choice of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Nothing: the one that holds a token.
    Any,
    /// A name, a part of one, or a number as in `tokentap readers`.
    Named(String),
}

/// The cards on the readers that come into question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// This reader holds what is to be used.
    Slot(Slot),
    /// Nothing yet, beside what cannot be a token and is passed over.
    Wait(Passed),
}

/// Readers that are passed over: they may still be worth a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// A reader that holds something that does not answer.
    pub mute: Option<String>,
    /// Readers with what cannot be a token.
    pub others: Vec<(String, DeviceKind)>,
}

/// The device that a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An NFC token.
    Token,
    /// A Molto2.
    Molto2,
    /// A FIDO2 key with a HOTP slot.
    HotpKey,
    /// Whichever of these is there: a token before the others, which are only meant where they are named or where there is no reader
    /// that a token could be laid on.
    Any,
    /// The same of those that have a clock.
    WithClock,
}

impl Wanted {
    /// Whether the command is for a device of this kind.
    #[must_use]
    pub fn takes(self, device: DeviceKind) -> bool {
        self.is_first(device) || self.is_second(device)
    }

    /// Whether it is for one in the first place.
    fn is_first(self, device: DeviceKind) -> bool {
        match self {
            Self::Token | Self::Any | Self::WithClock => device.may_be_token(),
            Self::Molto2 => device == DeviceKind::Molto2,
            Self::HotpKey => device == DeviceKind::Token2Key,
        }
    }

    /// Whether it is also for one of this kind, where nothing else can be meant.
    fn is_second(self, device: DeviceKind) -> bool {
        match self {
            Self::Any => matches!(device, DeviceKind::Molto2 | DeviceKind::Token2Key),
            Self::WithClock => device == DeviceKind::Molto2,
            _ => false,
        }
    }

    /// The kind that is plugged in to be programmed; `None` where a token is laid on a reader.
    pub fn plugged_in(self) -> Option<DeviceKind> {
        match self {
            Self::Molto2 => Some(DeviceKind::Molto2),
            Self::HotpKey => Some(DeviceKind::Token2Key),
            _ => None,
        }
    }
}

/// Picks the reader to use among `slots`.
///
/// Without a selector only what the command is for is used: other devices, and slots whose names tell of one, are passed over and
/// nothing is sent to them. With one, whatever lies on the reader that it fits is used, unless it is known to be harmed by it.
///
/// # Errors
/// [`ReaderError::NoReader`], [`ReaderError::NoSuchReader`], [`ReaderError::Several`], and [`ReaderError::Device`] for a device of
/// another family that was named.
pub fn pick(slots: &[Slot], selector: &Selector, wanted: Wanted) -> Result<Pick, ReaderError> {
    if slots.is_empty() {
        return Err(wanted.plugged_in().map_or(ReaderError::NoReader, |kind| ReaderError::NotThere(kind, Vec::new())));
    }
    let candidates = candidates(slots, selector)?;
    let is_named = matches!(selector, Selector::Named(_));
    let cards: Vec<(&Slot, DeviceKind)> = candidates
        .iter()
        .filter(|slot| matches!(slot.laid, Laid::Card(_)))
        .filter_map(|slot| Some((*slot, slot.device()?)))
        .collect();
    let meant: Vec<&Slot> =
        cards.iter().filter(|(_, device)| wanted.is_first(*device)).map(|(slot, _)| *slot).collect();
    let several = |slots: &[&Slot]| ReaderError::Several(slots.iter().map(|slot| slot.name.clone()).collect());
    match meant.as_slice() {
        [one] => return Ok(Pick::Slot((*one).clone())),
        [] => {}
        more => return Err(several(more)),
    }
    let is_for_tokens = |slot: &&&Slot| slot.device().is_none_or(DeviceKind::may_be_token);
    let others: Vec<&Slot> =
        cards.iter().filter(|(_, device)| wanted.is_second(*device)).map(|(slot, _)| *slot).collect();
    if is_named || !candidates.iter().any(|slot| is_for_tokens(&slot)) {
        match others.as_slice() {
            [one] => return Ok(Pick::Slot((*one).clone())),
            [] => {}
            more => return Err(several(more)),
        }
    }
    if is_named {
        let known = |slot: &&Slot| {
            let device = slot.device().filter(|device| is_of_another_family(*device, wanted))?;
            Some(ReaderError::Device(slot.name.clone(), device))
        };
        // Where the name fits others too, something else may come to one of them.
        let known = candidates.iter().map(known).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().next());
        match (known, cards.as_slice()) {
            (Some(error), _) => return Err(error),
            (None, [(slot, device)]) if *device != DeviceKind::StorageTag && wanted.plugged_in().is_none() => {
                return Ok(Pick::Slot((*slot).clone()));
            }
            _ => {}
        }
    }
    let mute = candidates.iter().find(|slot| slot.laid == Laid::Mute && slot.device().is_none());
    let others = cards.into_iter().map(|(slot, device)| (slot.name.clone(), device)).collect();
    Ok(Pick::Wait(Passed { mute: mute.map(|slot| slot.name.clone()), others }))
}

/// Whether a device is one that must not be sent the commands of the family that is wanted: it counts wrong keys, forgets that its PIN
/// was entered, or is damaged.
fn is_of_another_family(device: DeviceKind, wanted: Wanted) -> bool {
    let is_one = matches!(device, DeviceKind::Molto2 | DeviceKind::Molto1 | DeviceKind::Token2Key);
    (is_one || wanted.plugged_in().is_some()) && !wanted.is_first(device) && !wanted.is_second(device)
}

/// The slots that a selector fits; without one, all whose names do not tell that no token can lie there.
///
/// # Errors
/// [`ReaderError::NoSuchReader`].
pub fn candidates<'a>(slots: &'a [Slot], selector: &Selector) -> Result<Vec<&'a Slot>, ReaderError> {
    let wanted = match selector {
        Selector::Any => return Ok(slots.iter().collect()),
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
    use super::super::atr::CardKind;
    use super::*;

    fn slot(name: &str, laid: Laid) -> Slot {
        Slot { name: name.to_owned(), laid, exclusive: false }
    }

    fn token() -> Laid {
        Laid::Card(CardKind::Contactless)
    }

    fn picked(slots: &[Slot], selector: &str) -> Result<String, ReaderError> {
        let selector = if selector.is_empty() { Selector::Any } else { Selector::Named(selector.to_owned()) };
        match pick(slots, &selector, Wanted::Token)? {
            Pick::Slot(slot) => Ok(slot.name),
            Pick::Wait(Passed { mute, others }) => Ok(format!("wait {mute:?} {others:?}")),
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
    fn a_token_wins_over_whatever_is_plugged_in_beside_it() {
        for other in [CardKind::Other, CardKind::StorageTag, CardKind::SecurityKey] {
            let slots = [slot("Built-in", Laid::Card(other)), slot("Desk", token())];
            assert_eq!(picked(&slots, ""), Ok("Desk".into()));
        }
        for name in ["TOKEN2 Molto2 00 00", "Yubico YubiKey OTP+FIDO+CCID 00 00", "Windows Hello 1"] {
            let slots = [slot(name, token()), slot("Desk", token())];
            assert_eq!(picked(&slots, ""), Ok("Desk".into()));
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_waited_past_and_used_only_where_it_is_named() {
        let slots = [slot("Built-in", Laid::Card(CardKind::Other)), slot("Desk", Laid::Nothing)];
        assert_eq!(picked(&slots, ""), Ok("wait None [(\"Built-in\", Other)]".into()));
        assert_eq!(picked(&slots, "built"), Ok("Built-in".into()));
        let key = [slot("Yubico YubiKey 00 00", Laid::Card(CardKind::Other))];
        assert_eq!(picked(&key, ""), Ok("wait None [(\"Yubico YubiKey 00 00\", SecurityKey)]".into()));
        assert_eq!(picked(&key, "1"), Ok("Yubico YubiKey 00 00".into()));
        // A Molto2 counts wrong keys, and locks: it is not spoken to at all.
        let molto = [slot("TOKEN2 Molto2 00 00", Laid::Card(CardKind::Other))];
        assert_eq!(picked(&molto, "molto"), Err(ReaderError::Device("TOKEN2 Molto2 00 00".into(), DeviceKind::Molto2)));
    }

    #[test]
    fn each_command_finds_its_own_device_among_three_and_sends_nothing_to_the_others() {
        let (molto, key) = ("TOKEN2 Molto2 00 00", "TOKEN2 FIDO2 Security Key(0016) 00 00");
        let other = || Laid::Card(CardKind::Other);
        let all = [slot(molto, other()), slot(key, other()), slot("Desk", token())];
        let name = |slots: &[Slot], wanted| match pick(slots, &Selector::Any, wanted) {
            Ok(Pick::Slot(slot)) => slot.name,
            other => format!("{other:?}"),
        };
        for (wanted, found) in [
            (Wanted::Token, "Desk"),
            (Wanted::Any, "Desk"),
            (Wanted::WithClock, "Desk"),
            (Wanted::Molto2, molto),
            (Wanted::HotpKey, key),
        ] {
            assert_eq!(name(&all, wanted), found, "{wanted:?}");
        }
        // An empty reader for tokens is waited at: the token may come yet.
        let empty = [slot(molto, other()), slot("Desk", Laid::Nothing)];
        assert!(matches!(pick(&empty, &Selector::Any, Wanted::WithClock), Ok(Pick::Wait(_))));
        // Without one, nothing else can be meant.
        assert_eq!(name(&all[..1], Wanted::WithClock), molto);
        assert!(matches!(pick(&all[1..2], &Selector::Any, Wanted::WithClock), Ok(Pick::Wait(_))));
        assert!(matches!(pick(&all[..2], &Selector::Any, Wanted::Any), Err(ReaderError::Several(_))));
        let named = |name: &str, wanted| pick(&all, &Selector::Named(name.to_owned()), wanted);
        assert!(matches!(named("molto", Wanted::WithClock), Ok(Pick::Slot(_))));
        for (name, wanted) in
            [("molto", Wanted::Token), ("molto", Wanted::HotpKey), ("fido", Wanted::Token), ("desk", Wanted::Molto2)]
        {
            assert!(matches!(named(name, wanted), Err(ReaderError::Device(..))), "{name} {wanted:?}");
        }
    }

    #[test]
    fn a_mute_slot_is_waited_for_and_named() {
        let slots = [slot("Desk", Laid::Mute), slot("Other", Laid::Nothing)];
        assert_eq!(picked(&slots, ""), Ok("wait Some(\"Desk\") []".into()));
        assert_eq!(picked(&[slot("Desk", Laid::Nothing)], ""), Ok("wait None []".into()));
        // The slot of a security module is mute, and nobody lays a token there.
        assert_eq!(picked(&[slot("ACR1252 SAM 0", Laid::Mute)], ""), Ok("wait None []".into()));
    }

    #[test]
    fn a_storage_tag_is_never_used() {
        let slots = [slot("Desk", Laid::Card(CardKind::StorageTag))];
        for selector in ["", "Desk"] {
            assert_eq!(picked(&slots, selector), Ok("wait None [(\"Desk\", StorageTag)]".into()));
        }
        assert_eq!(picked(&[], ""), Err(ReaderError::NoReader));
    }
}
