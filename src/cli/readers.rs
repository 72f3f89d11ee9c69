//! `tokentap readers`: the readers, and what lies on each.

use serde_json::{Value, json};

use super::args::Global;
use super::describe::fields;
use super::output::Output;
use super::{Ran, interrupt};
use crate::job::{Exit, Failure};
use crate::reader::{Bounds, CardKind, Device, Laid, ReaderError, Slot, Slots};

pub fn run(_: &Global, output: &Output) -> Ran {
    let bounds = Bounds::until(None, &interrupt::asked);
    let slots = Slots::open(&bounds)?.list(&bounds)?;
    if slots.is_empty() {
        return Err(Failure::from(ReaderError::NoReader));
    }
    let width = slots.iter().map(|slot| slot.name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = (1..)
        .zip(&slots)
        .map(|(number, slot)| format!("{number:>2}  {:width$}  {}", slot.name.escape_debug().to_string(), words(slot)))
        .collect();
    let list: Vec<Value> = (1..)
        .zip(&slots)
        .map(|(number, slot)| {
            json!({
                "number": number, "name": slot.name, "state": word(slot.laid), "exclusive": slot.exclusive,
                "device": slot.device().map(Device::word),
            })
        })
        .collect();
    output.report(&lines.join("\n"), fields([("readers", json!(list))]));
    Ok(Exit::Done)
}

fn word(laid: Laid) -> &'static str {
    match laid {
        Laid::Nothing => "empty",
        Laid::Mute => "mute",
        Laid::Card(CardKind::Contactless) => "card",
        Laid::Card(CardKind::StorageTag) => "storage-tag",
        Laid::Card(CardKind::SecurityKey) => "security-key",
        Laid::Card(CardKind::Other) => "other-card",
        Laid::Unknown => "unknown",
    }
}

/// What lies on a slot, and what to do about it.
pub fn words(slot: &Slot) -> String {
    let laid = match (slot.device(), slot.laid) {
        (Some(device), _) => device.words(),
        (None, Laid::Nothing) => "empty",
        (None, Laid::Mute) => "something that does not answer: switch the token on by its button",
        (None, _) => "the reader does not say",
    };
    let is_passed = slot.device().is_some_and(|device| !device.may_be_token());
    let passed = if is_passed { "; nothing is sent to it" } else { "" };
    let exclusive = if slot.exclusive { "; another program has it for itself" } else { "" };
    format!("{laid}{passed}{exclusive}")
}
