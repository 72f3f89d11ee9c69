//! Seeds that go to authentication servers: to real ones where there are some, and else to stand-ins that speak as they do.

mod batch_list;
mod beliefs;
mod cut;
mod cut_hand_overs;
mod cut_stand_ins;
mod desk;
mod duo;
mod duo_client;
mod duo_signature;
pub mod duo_stand_in;
mod entra;
mod entra_client;
mod entra_stand_in;
pub mod harness;
mod hindrances;
mod marks;
mod mend;
mod owners;
mod pauses;
mod policies;
mod privacyidea;
mod refusals;
pub mod stand_in;
mod unread;
