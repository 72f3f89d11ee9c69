//! `tokentap`: see [`tokentap::cli`].

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed: what passed through the libraries that read and write seed files too.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    ExitCode::from(tokentap::cli::run(std::env::args_os().collect()))
}
