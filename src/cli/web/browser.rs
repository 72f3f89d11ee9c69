//! Opening the browser. The address has a secret in it, and what a program is started with can be seen by everybody on a computer: so the browser
//! is given a file that only its user can read, which leads on to the address.

use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// Browsers that have a mode in which they show one page and nothing else.
const KIOSKS: [&str; 6] = ["chromium", "chromium-browser", "google-chrome", "microsoft-edge", "msedge", "chrome"];

/// Where Edge and Chrome are below a folder of programs of Windows.
const KIOSKS_OF_WINDOWS: [&str; 2] =
    [r"Microsoft\Edge\Application\msedge.exe", r"Google\Chrome\Application\chrome.exe"];

/// Where they are on macOS.
const KIOSKS_OF_MACOS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// The file that leads a browser to the page; it is gone when this is dropped.
pub struct Way {
    _file: NamedTempFile,
}

/// Opens the address in the browser.
///
/// # Errors
/// No file can be made, or no browser is there; with `kiosk`, none that has such a mode.
pub fn open(address: &str, kiosk: bool) -> Result<Way, Error> {
    if !is_there() {
        return Err(Error::new(ErrorKind::NotFound, "no screen"));
    }
    let browser = if kiosk { Some(kiosk_browser()?) } else { None };
    let is_snap = browser.as_deref().map_or_else(is_snap_default, is_snap);
    let mut file = tempfile::Builder::new().prefix("tokentap-").suffix(".html").tempfile_in(folder(is_snap))?;
    // The address is of letters, digits and a few signs: none of them is markup.
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>tokentap</title><meta http-equiv=\"refresh\" content=\"0; url={address}\"><p>Opening tokentap …"
    );
    file.write_all(page.as_bytes())?;
    file.flush()?;
    match browser {
        Some(browser) => open_kiosk(&browser, is_snap, file.path())?,
        None => open::that_detached(file.path())?,
    }
    Ok(Way { _file: file })
}

/// The program's own folder.
fn own_folder() -> Option<PathBuf> {
    let own = dirs::data_local_dir().map(|folder| folder.join("tokentap"));
    own.filter(|folder| crate::inventory::make_folder(folder).is_ok())
}

/// A folder that the browser can read. One that is a snap sees no hidden folder, so not the program's own.
fn folder(is_snap: bool) -> PathBuf {
    let seen = || dirs::download_dir().filter(|folder| folder.is_dir()).or_else(dirs::home_dir);
    let folder = if is_snap { seen() } else { own_folder() };
    folder.unwrap_or_else(std::env::temp_dir)
}

/// Whether the browser that the system opens pages with is a snap: snapd writes its name into the entry that starts it.
fn is_snap_default() -> bool {
    if !cfg!(target_os = "linux") {
        return false;
    }
    let asked = Command::new("xdg-settings").args(["get", "default-web-browser"]).stdin(Stdio::null()).output();
    let Some(entry) = asked.ok().and_then(|asked| String::from_utf8(asked.stdout).ok()) else { return false };
    let of_system = std::env::var_os("XDG_DATA_DIRS").unwrap_or_default();
    let folders = std::env::split_paths(&of_system).chain([PathBuf::from("/var/lib/snapd/desktop")]);
    let entries = folders.map(|folder| folder.join("applications").join(entry.trim()));
    entries
        .filter_map(|entry| std::fs::read_to_string(entry).ok())
        .any(|entry| entry.lines().any(|line| line.starts_with("X-SnapInstanceName=")))
}

/// Whether a program is a snap: all of them are started by the one program of that name.
fn is_snap(program: &Path) -> bool {
    dunce::canonicalize(program).is_ok_and(|program| program.file_name() == Some(OsStr::new("snap")))
}

/// Shows the page and nothing else. A browser that is open already would show it beside its other pages: so it gets settings of its own, in
/// which nothing is kept.
fn open_kiosk(browser: &Path, is_snap: bool, page: &Path) -> Result<(), Error> {
    let mut command = Command::new(browser);
    command.args(["--kiosk", "--incognito", "--no-first-run", "--no-default-browser-check"]);
    if let Some(own) = own_folder().filter(|_| !is_snap) {
        let mut settings = OsString::from("--user-data-dir=");
        settings.push(own.join("kiosk"));
        command.arg(settings);
    }
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
}

/// The browser with a kiosk mode: one in the path, or one where its own installer puts it, which no path has.
///
/// # Errors
/// None is there.
fn kiosk_browser() -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let in_path = KIOSKS.iter().flat_map(|name| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        folders.iter().map(move |folder| folder.join(&file))
    });
    let of_windows = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"]
        .into_iter()
        .filter_map(std::env::var_os)
        .flat_map(|folder| KIOSKS_OF_WINDOWS.map(|browser| Path::new(&folder).join(browser)));
    let of_macos = KIOSKS_OF_MACOS.into_iter().map(PathBuf::from);
    in_path
        .chain(of_windows)
        .chain(of_macos)
        .find(|browser| browser.is_file())
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "none with a kiosk mode: Chromium, Chrome or Edge"))
}

/// Whether there is a screen to open a browser on.
fn is_there() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
