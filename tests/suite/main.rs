//! All tests that need more than one module, in one program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod arbitrary;
mod batch;
mod batch_faults;
mod between;
mod burning;
mod certificate;
mod clock;
#[cfg(target_os = "linux")]
mod conformance;
#[cfg(all(feature = "servers", target_os = "linux"))]
mod connections;
#[cfg(target_os = "linux")]
mod counterparts;
mod desk;
mod devices;
#[cfg(target_os = "linux")]
mod documents;
mod drift;
mod emulator;
mod families;
mod faults;
mod finding;
mod flags;
mod front_end;
mod helpdesk;
mod inventory;
#[cfg(unix)]
mod keeping;
mod matrix;
#[cfg(unix)]
mod pictures;
#[cfg(target_os = "linux")]
mod privacyidea;
mod questions;
mod remedies;
mod remedies_on_page;
mod replay;
mod schema;
mod secrets;
mod seedfiles;
mod seedkinds;
mod selftest;
#[cfg(all(feature = "servers", target_os = "linux"))]
mod servers;
mod shell;
#[cfg(target_os = "linux")]
mod stack;
mod store;
mod support;
#[cfg(target_os = "linux")]
mod terminal;
mod together;
#[cfg(target_os = "linux")]
mod transcripts;
#[cfg(target_os = "linux")]
mod trust;
mod vectors;
mod walls;
#[cfg(all(target_os = "linux", feature = "web"))]
mod web;
