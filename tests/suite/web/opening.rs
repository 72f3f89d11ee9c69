//! How the page is opened: which browser gets what, and where.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::SLOW;
use super::browser::{DESKTOP, in_browser};
use super::harness::{LIMIT, Web, token};
use crate::support::in_folder;

/// A page that is opened by programs of its own making, below the folder, which write down what they were started with.
fn opened_by(program: &str, args: &[&str], prepare: impl FnOnce(&Path, &mut Command)) -> (Web, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    token(folder.path(), SLOW, &["--drift", "0.1"]);
    let opened = folder.path().join("opened");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    let script = format!("printf '%s\\n' \"$@\" > '{}.part'\nmv '{0}.part' '{0}'", opened.display());
    program_in(folder.path(), program, &script);
    let mut command = in_folder(folder.path());
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("DISPLAY", ":99").env("XDG_DATA_HOME", folder.path().join("data"));
    command.args(["--reader", "emulated:tokens", "web", "--trust-host-clock"]).args(args);
    prepare(folder.path(), &mut command);
    let web = Web::spawn(folder, command);
    let began = Instant::now();
    while !opened.exists() {
        assert!(began.elapsed() < LIMIT, "no browser was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    let given = std::fs::read_to_string(&opened).unwrap().lines().map(str::to_owned).collect();
    (web, given)
}

/// A program below the folder, as a script.
fn program_in(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("bin").join(name);
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_file_that_opens_the_browser_is_its_users_alone_has_the_page_open_and_goes_away() {
    use std::os::unix::fs::PermissionsExt;
    let (web, given) = opened_by("xdg-open", &[], |_, _| ());
    let [file] = &given[..] else { panic!("{given:?}") };
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    in_browser(&format!("file://{file}"), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        assert_eq!(page.js("return location.href").await, format!("{}/#desk", web.origin));
    });
    let (exit, _folder) = web.end();
    assert_eq!(exit, 0);
    assert!(!PathBuf::from(file).exists(), "it is gone with the program");
}

#[test]
fn a_browser_that_is_a_snap_gets_the_file_where_it_can_see_it() {
    // snapd's entries name the snap; a snap sees nothing hidden in its user's home.
    let (web, given) = opened_by("xdg-open", &[], |folder, command| {
        program_in(folder, "xdg-settings", "echo firefox_firefox.desktop");
        let entries = folder.join("entries/applications");
        std::fs::create_dir_all(&entries).unwrap();
        let entry = "[Desktop Entry]\nX-SnapInstanceName=firefox\nExec=/snap/bin/firefox %u\n";
        std::fs::write(entries.join("firefox_firefox.desktop"), entry).unwrap();
        command.env("XDG_DATA_DIRS", folder.join("entries")).env("HOME", folder.join("home"));
        std::fs::create_dir(folder.join("home")).unwrap();
    });
    let file = PathBuf::from(&given[0]);
    let home = web.folder.path().join("home");
    let below = file.strip_prefix(&home).unwrap_or_else(|_| panic!("{} is not below the home", file.display()));
    assert!(below.components().all(|part| !part.as_os_str().to_string_lossy().starts_with('.')), "{}", below.display());
    assert_eq!(web.end().0, 0);
}

#[test]
fn a_kiosk_is_a_browser_of_its_own_that_shows_the_page_and_keeps_nothing() {
    let (web, given) = opened_by("chromium", &["--kiosk"], |_, _| ());
    let [kiosk, incognito, .., settings, file] = &given[..] else { panic!("{given:?}") };
    assert_eq!((kiosk.as_str(), incognito.as_str()), ("--kiosk", "--incognito"));
    assert!(settings.starts_with("--user-data-dir="), "{given:?}");
    in_browser(&format!("file://{file}"), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        page.until("document.querySelector('#screens').hidden").await;
    });
    assert!(!given.concat().contains(&web.code), "the code is in what the browser was started with");
    assert_eq!(web.end().0, 0);
}
