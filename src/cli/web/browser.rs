//! Opening the browser. The address has a secret in it, and what a program is started with can be seen by everybody on a computer: so the browser
//! is given a file that only its user can read, which leads on to the address.

use std::io::{Error, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// Browsers that have a mode in which they show one page and nothing else.
const KIOSKS: [&str; 6] = ["chromium", "chromium-browser", "google-chrome", "microsoft-edge", "msedge", "chrome"];

/// The file that leads a browser to the page; it is gone when this is dropped.
pub struct Way {
    _file: NamedTempFile,
}

/// Opens the address in the browser.
///
/// # Errors
/// No file can be made, or no browser is there.
pub fn open(address: &str, kiosk: bool) -> Result<Way, Error> {
    if !is_there() {
        return Err(Error::new(ErrorKind::NotFound, "no screen"));
    }
    let mut file = tempfile::Builder::new().prefix("tokentap-").suffix(".html").tempfile_in(folder())?;
    // The address is of letters, digits and a few signs: none of them is markup.
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>tokentap</title><meta http-equiv=\"refresh\" content=\"0; url={address}\"><p>Opening tokentap …"
    );
    file.write_all(page.as_bytes())?;
    file.flush()?;
    if kiosk {
        open_kiosk(file.path())?
    } else {
        open::that_detached(file.path())?
    }
    Ok(Way { _file: file })
}

/// A folder that browsers in a sandbox can read, and only its user.
fn folder() -> std::path::PathBuf {
    let own = dirs::data_local_dir().map(|folder| folder.join("tokentap"));
    own.filter(|folder| crate::inventory::make_folder(folder).is_ok()).unwrap_or_else(std::env::temp_dir)
}

fn open_kiosk(page: &Path) -> Result<(), Error> {
    for browser in KIOSKS {
        let mut command = Command::new(browser);
        command.arg("--kiosk").arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::NotFound, "none with a kiosk mode: Chromium, Chrome or Edge"))
}

/// Whether there is a screen to open a browser on.
fn is_there() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
