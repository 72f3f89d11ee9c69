//! The desk as a page on loopback: the second front end over the same requests, events and reports as the command line
//! (`docs/web.md`).
//!
//! The server knows nothing of tokens: it checks who asks, shows the [`Board`], and passes [`Ask`]s to the program around it.

mod ask;
mod board;
mod gate;
mod page;
mod server;

pub use ask::{Answered, Ask, Asked, List, Refused};
pub use board::{AskedCode, Board, Facts, Place, PlaceRemedy, PlaceState};
pub use gate::Gate;
pub use server::{CODE_LASTS, Served, serve};
