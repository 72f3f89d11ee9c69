//! Who works here.

use crate::inventory::Station;

/// This host and this user, as the events name them.
pub fn station() -> Station {
    let known = |name: Result<String, _>| name.unwrap_or_else(|_: whoami::Error| "unknown".to_owned());
    Station { desk: known(whoami::hostname()), operator: known(whoami::username()), reader: None }
}
