//! `tokentap readers`: the readers, and what lies on each.

use super::args::Global;
use super::output::Output;
use super::{Ran, interrupt};
use crate::job::{Exit, Failure};
use crate::reader::{Bounds, ReaderError, Slots};
use crate::report::ReadersReport;

pub fn run(_: &Global, output: &Output) -> Ran {
    let bounds = Bounds::until(None, &interrupt::asked);
    let slots = Slots::open(&bounds)?.list(&bounds)?;
    if slots.is_empty() {
        return Err(Failure::from(ReaderError::NoReader));
    }
    output.report(&ReadersReport::of(&slots));
    Ok(Exit::Done)
}
