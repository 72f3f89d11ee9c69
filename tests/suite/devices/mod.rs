//! The devices with slots: the Molto2, and the HOTP slot of a FIDO2 key.

mod bench;
mod changes;
mod customer_keys;
mod desk;
mod facts;
mod faults;
mod jobs;
mod kills;
mod list;
mod reads;
mod typing;
mod vectors;
