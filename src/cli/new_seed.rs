//! A new seed, of as many bytes as the arguments name.

use super::args::HashArg;
use crate::device::families;
use crate::job::Failure;
use crate::job::batch::fresh_seed;
use crate::seedfile::Row;

/// A new seed from the operating system's generator.
///
/// # Errors
/// A failure for a length that is not made, or of the generator.
pub fn new_seed(bytes: Option<usize>, hash: Option<HashArg>) -> Result<Row, Failure> {
    fresh_seed(seed_length(bytes, hash)?).map(Row::of_seed)
}

/// How many bytes a new seed has: so many, or as many as are usual for the hash.
///
/// # Errors
/// A usage failure for a length that is not made.
pub fn seed_length(bytes: Option<usize>, hash: Option<HashArg>) -> Result<usize, Failure> {
    let usual = if matches!(hash, Some(HashArg::Sha256)) { 32 } else { 20 };
    let count = bytes.unwrap_or(usual);
    let longest = *families::usual().seed_bytes.end();
    if !(16..=longest).contains(&count) {
        return Err(Failure::usage(
            format!("a new seed must have 16 to {longest} bytes, not {count}"),
            format!("use 16 (RFC 4226, section 4, R6) to {longest} bytes; 20 is usual, 32 for SHA-256"),
        ));
    }
    Ok(count)
}
