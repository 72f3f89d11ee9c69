//! Opening the browser. The address has a secret in it, and what a program is started with can be seen by everybody on a computer: so the browser
//! is given a file that only its user can read, which leads on to the address.

use std::ffi::{OsStr, OsString};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::{NamedTempFile, TempDir};

/// Browsers that have a mode in which they show one page and nothing else.
const KIOSKS: [&str; 8] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "chrome",
];

/// Where Edge and Chrome are below a folder of programs of Windows.
const KIOSKS_OF_WINDOWS: [&str; 2] =
    [r"Microsoft\Edge\Application\msedge.exe", r"Google\Chrome\Application\chrome.exe"];

/// Where they are on macOS.
const KIOSKS_OF_MACOS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// The file that leads a browser to the page, and the settings of one that shows nothing else; they are gone when this is dropped.
pub struct Way {
    _file: NamedTempFile,
    _settings: Option<TempDir>,
}

/// Opens the address in the browser.
///
/// # Errors
/// No file can be made, or no browser is there; with `kiosk`, none that has such a mode.
pub fn open(address: &str, kiosk: bool) -> Result<Way, Error> {
    if !is_there() {
        return Err(Error::new(ErrorKind::NotFound, "no screen"));
    }
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>tokentap</title><meta http-equiv=\"refresh\" content=\"0; url={address}\"><p>Opening tokentap …"
    );
    if !kiosk {
        let file = written(&folder(is_snap_default()), &page)?;
        open::that_detached(file.path())?;
        return Ok(Way { _file: file, _settings: None });
    }
    let mut refused = Error::new(ErrorKind::NotFound, "none with a kiosk mode: Chromium, Chrome or Edge");
    for browser in kiosk_browsers() {
        match open_kiosk(&browser, &page) {
            Ok(way) => return Ok(way),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A file with the page that leads on, which only its user can read. The address in it is of letters, digits and a few signs: none is markup.
fn written(folder: &Path, page: &str) -> Result<NamedTempFile, Error> {
    let mut file = tempfile::Builder::new().prefix("tokentap-").suffix(".html").tempfile_in(folder)?;
    file.write_all(page.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// The program's own folder.
fn own_folder() -> Option<PathBuf> {
    let own = dirs::data_local_dir().map(|folder| folder.join("tokentap"));
    own.filter(|folder| crate::inventory::make_folder(folder).is_ok())
}

/// A folder that the browser can read. One that is a snap sees no hidden folder, so not the program's own, and nothing outside of the home.
fn folder(is_snap: bool) -> PathBuf {
    let seen = || {
        let home = dirs::home_dir()?;
        let is_below = |folder: &PathBuf| dunce::canonicalize(folder).is_ok_and(|folder| folder.starts_with(&home));
        Some(dirs::download_dir().filter(is_below).unwrap_or(home))
    };
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

/// Whether a program is a snap: all of them are started by the one program of that name, some by a script that names the folder of snaps.
fn is_snap(program: &Path) -> bool {
    let is_by_script = || {
        let is_small = std::fs::metadata(program).is_ok_and(|found| found.len() < 65_536);
        is_small && std::fs::read_to_string(program).is_ok_and(|script| script.contains("/snap/bin/"))
    };
    dunce::canonicalize(program).is_ok_and(|program| program.file_name() == Some(OsStr::new("snap"))) || is_by_script()
}

/// Shows the page and nothing else. A browser that is open already would show it beside its other pages: so it gets settings of its own, in
/// which nothing is kept. A snap keeps its own.
fn open_kiosk(browser: &Path, page: &str) -> Result<Way, Error> {
    let is_snap = is_snap(browser);
    let file = written(&folder(is_snap), page)?;
    let is_edge = browser.file_stem().is_some_and(|name| name.to_string_lossy().to_lowercase().contains("edge"));
    let private: &[&str] = if is_edge { &["--inprivate", "--edge-kiosk-type=fullscreen"] } else { &["--incognito"] };
    let mut command = Command::new(browser);
    command.arg("--kiosk").args(private).args(["--no-first-run", "--no-default-browser-check"]);
    let settings = match own_folder().filter(|_| !is_snap) {
        Some(own) => Some(tempfile::Builder::new().prefix("kiosk-").tempdir_in(own)?),
        None => None,
    };
    if let Some(settings) = &settings {
        let mut flag = OsString::from("--user-data-dir=");
        flag.push(settings.path());
        command.arg(flag);
    }
    command.arg(file.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Way { _file: file, _settings: settings })
}

/// The browsers with a kiosk mode that are there: in the path, where snaps are, and where their own installers put them, which no path has.
fn kiosk_browsers() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/snap/bin")]).collect();
    let in_path = KIOSKS.iter().flat_map(|name| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        folders.iter().map(move |folder| folder.join(&file))
    });
    let of_windows = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"]
        .into_iter()
        .filter_map(std::env::var_os)
        .flat_map(|folder| KIOSKS_OF_WINDOWS.map(|browser| Path::new(&folder).join(browser)));
    let of_macos = KIOSKS_OF_MACOS.into_iter().map(PathBuf::from);
    in_path.chain(of_windows).chain(of_macos).filter(|browser| browser.is_file()).collect()
}

/// Whether there is a screen to open a browser on.
fn is_there() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
