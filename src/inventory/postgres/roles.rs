//! Who may do what on the server: roles of the database, each named after it. The owner changes the schema, the recipients, the servers
//! that seeds go to and what is kept for how long; a desk records, and can neither change nor remove an event; a viewer sees no seed, no
//! fingerprint and no credential.

use postgres_protocol::password::scram_sha_256;
use zeroize::Zeroizing;

use super::session::{Session, Trouble};
use crate::inventory::InventoryError;

/// What a user of the database is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Records.
    Desk,
    /// Reads.
    Viewer,
}

impl Role {
    /// Its word, and the end of the name of its role.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Viewer => "viewer",
        }
    }
}

/// The rights of the three roles, as far as the database has them. Said again, they change nothing.
const RIGHTS: &str = "
GRANT USAGE ON SCHEMA tokentap TO {desk}, {viewer};
GRANT USAGE ON SCHEMA tokentap_shown TO {viewer};
GRANT SELECT ON ALL TABLES IN SCHEMA tokentap TO {desk};
GRANT EXECUTE ON FUNCTION tokentap.adopt TO {desk};
GRANT INSERT (at, job, desk, operator, reader, serial, slot, deed, outcome, before_s, before_resolution_s, after_s, after_resolution_s,
    state, detail) ON tokentap.events TO {desk};
GRANT INSERT ON tokentap.batches, tokentap.batch_rows, tokentap.dealt TO {desk};
GRANT UPDATE (closed) ON tokentap.batches TO {desk};
GRANT UPDATE (state, serial, seed, error) ON tokentap.batch_rows TO {desk};
GRANT INSERT ON tokentap.tokens TO {desk};
GRANT UPDATE (model, emulated, \"user\", hash, step_s, display_s, first_seen, last_seen, drift_s, resolution_s, synced, burned, seed,
    sealed, erased, erased_seed, clock_stopped, pending_job, pending_deed, pending_at, pending_hash, pending_step_s,
    pending_display_s, pending_seed, pending_sealed) ON tokentap.tokens TO {desk};
GRANT INSERT, DELETE ON tokentap.candidates, tokentap.holders TO {desk};
GRANT INSERT, UPDATE, DELETE ON tokentap.refused_keys, tokentap.leases, tokentap.claims, tokentap.marks TO {desk};
GRANT INSERT (name, operator, version, clock_s, program), UPDATE (operator, version, seen, clock_s, program) ON tokentap.desks TO {desk};
GRANT INSERT, DELETE ON tokentap.device_keys TO {desk};
GRANT INSERT, UPDATE (seed, step, id, \"user\", since, at, unmended, detail) ON tokentap.deliveries TO {desk};
GRANT SELECT ON ALL TABLES IN SCHEMA tokentap_shown TO {viewer};
GRANT SELECT ON tokentap.events, tokentap.desks, tokentap.leases, tokentap.claims, tokentap.dealt TO {viewer};
";

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL takes it, with no escapes in it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn database(from: &mut Session) -> Result<String, Trouble> {
    let row = from.first("SELECT current_database()::text", &[])?;
    row.map(|row| row.try_get(0)).transpose()?.ok_or_else(|| Trouble::Odd("the database has no name".to_owned()))
}

fn exists(from: &mut Session, role: &str) -> Result<bool, Trouble> {
    Ok(from.first("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role])?.is_some())
}

/// Gives the roles of this database their rights, where it has them.
pub fn grant(to: &mut Session) -> Result<(), Trouble> {
    let database = database(to)?;
    let [desk, viewer] = [Role::Desk, Role::Viewer].map(|role| format!("{database}_{}", role.word()));
    if !(exists(to, &desk)? && exists(to, &viewer)?) {
        return Ok(());
    }
    to.batch(&RIGHTS.replace("{desk}", &quoted(&desk)).replace("{viewer}", &quoted(&viewer)))
}

/// Acts as the owner's role from now on, where the database has one and this user may.
pub fn be_owner(on: &mut Session) -> Result<(), Trouble> {
    let owner = format!("{}_owner", database(on)?);
    let may = "SELECT 1 FROM pg_roles WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')";
    match on.first(may, &[&owner])? {
        Some(_) => on.batch(&format!("SET ROLE {}", quoted(&owner))),
        None => Ok(()),
    }
}

/// Makes a database and its roles, as far as they are not there. `on` is connected to another database, as somebody who may. A
/// database of somebody else's is left as it is.
pub fn make_database(on: &mut Session, name: &str) -> Result<(), Trouble> {
    let owned = "SELECT pg_get_userbyid(datdba) = $1 || '_owner' FROM pg_database WHERE datname = $1";
    let is_ours: Option<bool> = on.first(owned, &[&name])?.map(|row| row.try_get(0)).transpose()?;
    if is_ours == Some(false) {
        return Err(Trouble::Rows(InventoryError::OthersDatabase(name.to_owned())));
    }
    let roles = ["owner", "desk", "viewer"].map(|role| format!("{name}_{role}"));
    for role in &roles {
        if !exists(on, role)? {
            on.batch(&format!("CREATE ROLE {} NOLOGIN", quoted(role)))?;
        }
    }
    let [owner, desk, viewer] = roles;
    // Who makes a database for a role must be a member of it, where he is no superuser.
    on.batch(&format!("GRANT {} TO CURRENT_USER", quoted(&owner)))?;
    if is_ours.is_none() {
        let (name, owner) = (quoted(name), quoted(&owner));
        on.batch(&format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"))?;
    }
    let (name, desk, viewer) = (quoted(name), quoted(&desk), quoted(&viewer));
    on.batch(&format!(
        "REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {desk}, {viewer}"
    ))
}

/// Whether a desk or viewer of a database has this name.
///
/// # Errors
/// [`InventoryError::NameTaken`]: somebody else's name, or that of a role itself, is not taken for a desk.
pub fn has_user(on: &mut Session, database: &str, name: &str) -> Result<bool, Trouble> {
    if !exists(on, name)? {
        return Ok(false);
    }
    role_of(on, database, name).map(|_| true).map_err(|trouble| match trouble {
        Trouble::Rows(InventoryError::NoDesk(name)) => Trouble::Rows(InventoryError::NameTaken(name)),
        other => other,
    })
}

/// Makes a user of a database. The server gets a verifier of the password, never the password: it might be logged.
pub fn add_user(
    on: &mut Session,
    database: &str,
    name: &str,
    role: Role,
    password: &Zeroizing<String>,
) -> Result<(), Trouble> {
    let verifier = scram_sha_256(password.as_bytes());
    let member_of = quoted(&format!("{database}_{}", role.word()));
    on.batch(&format!("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {member_of}", quoted(name), literal(&verifier)))
}

/// Gives a user of a database a new password, and lets him in again if he was shut out; what he is there for.
pub fn renew_user(on: &mut Session, database: &str, name: &str, password: &Zeroizing<String>) -> Result<Role, Trouble> {
    let role = role_of(on, database, name)?;
    on.batch(&format!("ALTER ROLE {} LOGIN PASSWORD {}", quoted(name), literal(&scram_sha_256(password.as_bytes()))))?;
    Ok(role)
}

/// Shuts a user of a database out at once, such as the one of a desk that was stolen: his connections end.
pub fn shut_out(on: &mut Session, database: &str, name: &str) -> Result<(), Trouble> {
    role_of(on, database, name)?;
    on.batch(&format!("ALTER ROLE {} NOLOGIN PASSWORD NULL", quoted(name)))?;
    on.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", &[&name]).map(drop)
}

/// What a user of a database is there for: other users of the server are none of this program's business.
fn role_of(on: &mut Session, database: &str, name: &str) -> Result<Role, Trouble> {
    let member = "SELECT 1 FROM pg_auth_members AS m JOIN pg_roles AS u ON u.oid = m.member JOIN pg_roles AS r ON r.oid = m.roleid
         WHERE u.rolname = $1 AND r.rolname = $2";
    for role in [Role::Desk, Role::Viewer] {
        if on.first(member, &[&name, &format!("{database}_{}", role.word())])?.is_some() {
            return Ok(role);
        }
    }
    Err(Trouble::Rows(InventoryError::NoDesk(name.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_keep_what_is_in_them_to_themselves() {
        assert_eq!(quoted("desk"), "\"desk\"");
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
