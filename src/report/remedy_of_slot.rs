//! Remedies for a slot of a device that has several, and for a key's, in words.

use crate::job::remedy::SlotRemedy;

/// A remedy for a slot in words.
#[must_use]
pub fn remedy_of_slot(remedy: SlotRemedy) -> &'static str {
    match remedy {
        SlotRemedy::CheckSlot => {
            "check again, with the number of the slot: tokentap verify CODE --slot N --seed-file FILE (or \
             --identity FILE, where the inventory keeps the seed); if it is still wrong, burn it again in the \
             same way: tokentap burn --slot N"
        }
        SlotRemedy::AcceptLoss => "if nobody needs that seed any more, use --erase-seed",
        SlotRemedy::CheckCounter => {
            "let the key type two codes in a row, and check them: tokentap verify --hotp CODE CODE --seed-file FILE (or \
             --identity FILE, where the inventory keeps the seed); if they are still wrong, burn it again in \
             the same way: tokentap burn --hotp"
        }
        SlotRemedy::OtherSlotOrReplace => {
            "use an empty slot (tokentap info names the next one); only if nobody needs that seed any more, use --replace-seed"
        }
        SlotRemedy::Replace => {
            "the key has this one slot: use another key; only if nobody needs that seed any more, use --replace-seed"
        }
        SlotRemedy::OtherCustomerKey => {
            "do not try again and again: a Molto2 locks after a few wrong keys, and then only tokentap factory-reset may open it, \
             which erases its seeds; name its own customer key: --customer-key FILE"
        }
        SlotRemedy::OtherCustomerKeyOrTryAgain => {
            "use the customer key that it has: --customer-key FILE; only if you are sure that this key is the right one, use --try-again: a Molto2 \
             locks after a few wrong keys"
        }
        SlotRemedy::TryNewKeyOnce => {
            "the new key is valid if ▲ was pressed: try it once, with the file of the new key: tokentap customer-key check \
             --customer-key FILE; if it is refused, the previous key is still valid"
        }
        SlotRemedy::OpenCustomerKey => {
            "open the key that the inventory keeps: --identity FILE; or supply it: --customer-key FILE; if both are lost, tokentap \
             factory-reset restores the factory's key, and erases all seeds on the device"
        }
        SlotRemedy::OpenOrTryAgain => {
            "use the one that is kept: --identity FILE, without --customer-key; only if you know that the device now has the one that you \
             named, use --try-again"
        }
        SlotRemedy::NameKey => {
            "leave --identity out to check the factory's key, or name the key that it has: --customer-key FILE; where its own is lost, \
             tokentap factory-reset, which erases all of its seeds"
        }
        SlotRemedy::NameKeyOrTryKept => {
            "name the key that it has: --customer-key FILE (for the factory's, a file with the text TOKEN2MOLTO1-KEY); to try the kept \
             ones again, one each time: tokentap customer-key check --identity FILE --try-again"
        }
        SlotRemedy::UseKeyOfBefore => {
            "▲ was not pressed, or the device has another key: the previous key is valid, and later commands use it; to set the new one \
             again: tokentap customer-key set --new-key FILE (with --identity FILE where the inventory keeps the old one)"
        }
        SlotRemedy::CheckKeptKey => {
            "find out which one it has, in one attempt: tokentap customer-key check --identity FILE; then run the same command again"
        }
        SlotRemedy::SlotThatIsThere => {
            "see which slots it has: tokentap info; a first-generation Molto2 has 0 to 49, and a FIDO2 card has none"
        }
        SlotRemedy::SeeFirmware => {
            "firmware before 2.1 has no screen lock; if this device has a later one, please report it with the output of --trace"
        }
        SlotRemedy::RemoveCodePin => {
            "remove the PIN for codes with the vendor's own tool, burn the slot, and set the PIN again there"
        }
        SlotRemedy::SwitchKeyboardOn => {
            "switch its keyboard on, without which it types nothing: tokentap slot options --keyboard yes; then run the same \
             command again"
        }
        SlotRemedy::UseSlot => "name a slot as it is listed: SERIAL/SLOT; SERIAL/0 is the first",
    }
}
