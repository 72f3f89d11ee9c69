//! How long a server is waited for.

use std::time::Duration;

/// How long the server may take for one call.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long it may take where it looks through everything.
pub const PATIENCE: Duration = Duration::from_secs(1800);
