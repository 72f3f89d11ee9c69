//! The password of a database's user, from a file and never from an argument: that of `PGPASSFILE`, of systemd's credential
//! `tokentap-db-password`, of the inventory that this desk has joined, or `~/.pgpass`, in this order.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::address_error::AddressError;

/// The name of the credential (`systemd.exec`, "Credentials").
const CREDENTIAL: &str = "tokentap-db-password";

/// The name of the password file in the folder of a desk that has joined.
pub const OF_DESK: &str = "password";

/// The folder of this user's in which a desk keeps what it has joined by; `None` where he has none.
pub fn desk_folder() -> Option<PathBuf> {
    dirs::config_local_dir().map(|folder| folder.join("tokentap").join("database"))
}

/// The password for host, port, database and user, if there is one.
///
/// # Errors
/// [`AddressError::PasswordFile`] where a file cannot be read, or others can read it.
pub fn find(wanted: &[&str; 4]) -> Result<Option<Zeroizing<String>>, AddressError> {
    if let Some(file) = std::env::var_os("PGPASSFILE").map(PathBuf::from) {
        return Ok(password_in(&own(&file)?, wanted));
    }
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join(CREDENTIAL));
    if let Some(file) = credential.filter(|file| file.exists()) {
        return own(&file).map(|content| Some(Zeroizing::new(content.trim_end_matches(['\r', '\n']).to_owned())));
    }
    let joined = desk_folder().map(|folder| folder.join(OF_DESK));
    let usual = match cfg!(windows) {
        true => dirs::config_dir().map(|folder| folder.join("postgresql").join("pgpass.conf")),
        false => dirs::home_dir().map(|folder| folder.join(".pgpass")),
    };
    for file in [joined, usual].into_iter().flatten().filter(|file| file.exists()) {
        if let Some(password) = password_in(&own(&file)?, wanted) {
            return Ok(Some(password));
        }
    }
    Ok(None)
}

/// The content of a file that nobody else may read.
///
/// # Errors
/// [`AddressError::PasswordFile`].
pub fn own(file: &Path) -> Result<Zeroizing<String>, AddressError> {
    let bad = |what: String| AddressError::PasswordFile(format!("{}: {what}", file.display()));
    let content = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| bad(error.to_string()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).map_err(|error| bad(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(bad("others can read it (chmod 600)".to_owned()));
        }
    }
    Ok(content)
}

/// A line of a password file (`libpq`, "The Password File") for host, port, database and user.
pub fn line(of: &[&str; 4], password: &str) -> Zeroizing<String> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let [host, port, database, user] = of.map(escaped);
    Zeroizing::new(format!("{host}:{port}:{database}:{user}:{}\n", escaped(password)))
}

/// The password of the first line whose four other fields fit; `*` fits everything.
fn password_in(content: &str, wanted: &[&str; 4]) -> Option<Zeroizing<String>> {
    content.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line);
        let password = if fields.len() == 5 { fields.pop() } else { None }?;
        let fits = fields.iter().zip(wanted).all(|(field, wanted)| field.as_str() == "*" || field.as_str() == *wanted);
        fits.then_some(password)
    })
}

/// The fields of a line: a backslash takes its meaning from a colon or another backslash.
fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' if fields.len() < 5 => fields.push(Zeroizing::new(String::new())),
            letter => {
                let letter = if letter == '\\' { letters.next().unwrap_or('\\') } else { letter };
                if let Some(field) = fields.last_mut() {
                    field.push(letter);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_file_is_read_as_libpq_reads_it() {
        let content = "# comment\ndb:5432:other:ana:wrong\n*:*:inventory:ana:a\\:b\\\\c:d\n*:*:*:*:last\n";
        let found =
            |user: &str| password_in(content, &["db", "5432", "inventory", user]).map(|found| found.to_string());
        assert_eq!(found("ana").as_deref(), Some("a:b\\c:d"));
        assert_eq!(found("eva").as_deref(), Some("last"));
        assert_eq!(password_in("", &["db", "5432", "inventory", "ana"]), None);
    }

    #[test]
    fn what_is_written_for_a_desk_is_read_again() {
        let of = ["db", "5432", "a:b", "ana"];
        assert_eq!(password_in(&line(&of, "p\\w:d"), &of).map(|found| found.to_string()).as_deref(), Some("p\\w:d"));
    }
}
