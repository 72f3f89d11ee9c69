//! Remedies at the reader in words (`docs/readers.md`), by system.

use super::audience::Audience;
use crate::plain::plain;
use crate::reader::ReaderRemedy;

/// A remedy at the reader in words.
#[must_use]
pub fn remedy_of_reader(remedy: &ReaderRemedy, audience: Audience) -> String {
    match remedy {
        _ if audience.is_page() => on_page(remedy),
        ReaderRemedy::UseOneOf(readers) if readers.is_empty() => "run `tokentap readers` for a list".to_owned(),
        ReaderRemedy::UseOneOf(readers) => {
            let names: Vec<String> = readers.iter().map(|reader| format!("\"{}\"", plain(reader))).collect();
            format!("use one of: {}", names.join(", "))
        }
        ReaderRemedy::PlugInDevice(device) => {
            format!(
                "plug {} in, and run the same command again; `tokentap readers` shows what is there",
                device.words()
            )
        }
        fixed => fixed_words(fixed).to_owned(),
    }
}

/// The same at the page, which finds by itself what is plugged in or laid down.
fn on_page(remedy: &ReaderRemedy) -> String {
    let words = match remedy {
        ReaderRemedy::UseOneOf(readers) if readers.is_empty() => {
            "stop tokentap web, and list the readers in a terminal: tokentap readers"
        }
        ReaderRemedy::UseOneOf(_) => {
            return format!(
                "{}; for NAME, {}",
                Audience::Page.flag("--reader NAME"),
                remedy_of_reader(remedy, Audience::Terminal)
            );
        }
        ReaderRemedy::Choose => return format!("{}, to name the one to use", Audience::Page.flag("--reader NAME")),
        ReaderRemedy::CloseHolder => {
            "close the program that holds it; if it is GnuPG, in a terminal: gpgconf --kill scdaemon"
        }
        ReaderRemedy::StartService if cfg!(target_os = "linux") => {
            "start it, in a terminal: sudo systemctl enable --now pcscd.socket; this page finds it by itself"
        }
        ReaderRemedy::RestartService if cfg!(windows) => {
            "restart the service \"Smart Card\" (services.msc); this page finds it by itself"
        }
        ReaderRemedy::RestartService if cfg!(target_os = "linux") => {
            "restart it, in a terminal: sudo systemctl restart pcscd; this page finds it by itself"
        }
        ReaderRemedy::PlugIn if !cfg!(target_os = "linux") => "plug in a reader: this page finds it by itself",
        ReaderRemedy::PlugIn => {
            "plug in a reader: this page finds it by itself; if it does not, in a terminal: tokentap doctor"
        }
        ReaderRemedy::PlugInDevice(device) => return format!("plug {} in", device.words()),
        ReaderRemedy::WaitForOther => "wait until the other program is done, or close it, and lay the token back",
        ReaderRemedy::LayDown => {
            "switch the token on (press its button until the display lights), and lay it on the reader"
        }
        ReaderRemedy::NameMolto2 => {
            "nothing was sent to it: burn its slots and set its clocks in a terminal, when tokentap web is stopped (docs/devices.md); for a token, \
             lay it on the NFC reader"
        }
        ReaderRemedy::NameKey => {
            "nothing was sent to it: it counts, and has no clock to set; docs/devices.md says what can be done with it in a terminal; for a \
             token, lay it on the NFC reader"
        }
        ReaderRemedy::LayOnNfc => {
            "nothing was sent to it; switch the token on (press its button until the display lights), and lay it on the NFC reader"
        }
        ReaderRemedy::LayBack => "switch the token on, and lay it back",
        ReaderRemedy::Again => "lay the token back",
        ReaderRemedy::Diagnose if cfg!(windows) => {
            "restart the service \"Smart Card\" (services.msc), and plug the reader in again"
        }
        ReaderRemedy::Diagnose => "plug the reader in again; if that does not help, in a terminal: tokentap doctor",
        ReaderRemedy::CompareVersions if !cfg!(windows) => {
            "have the PC/SC library and its daemon updated to the same version; in a terminal, tokentap doctor says more"
        }
        ReaderRemedy::FreeFromKernel => {
            "in a terminal: sudo modprobe -r pn533_usb pn533 nfc; then plug it in again; docs/readers.md says how to keep the driver away \
             for good"
        }
        same => fixed_words(same),
    };
    words.to_owned()
}

fn fixed_words(remedy: &ReaderRemedy) -> &'static str {
    match remedy {
        ReaderRemedy::StartService if cfg!(windows) => "plug in a reader: Windows stops the service when there is none",
        ReaderRemedy::StartService if cfg!(target_os = "macos") => "plug in a reader: the service starts with it",
        ReaderRemedy::StartService => "start it: sudo systemctl enable --now pcscd.socket",
        ReaderRemedy::RestartService if cfg!(windows) => {
            "restart the service \"Smart Card\" (services.msc), and run the same command again"
        }
        ReaderRemedy::RestartService if cfg!(target_os = "macos") => {
            "unplug the reader and plug it in again; if that does not help, restart the computer"
        }
        ReaderRemedy::RestartService => "restart it: sudo systemctl restart pcscd; then run the same command again",
        ReaderRemedy::CompareVersions if cfg!(windows) => {
            "plug the reader in again: Windows stops the service without one"
        }
        ReaderRemedy::CompareVersions if cfg!(target_os = "macos") => {
            "plug the reader in again; if that does not help, restart the computer"
        }
        ReaderRemedy::CompareVersions => {
            "compare the versions of the library and the daemon, which differ in containers, Flatpak \
             and AppImage: pkg-config --modversion libpcsclite; pcscd --version"
        }
        ReaderRemedy::PlugIn if cfg!(windows) => "plug in a reader, and run the same command again",
        ReaderRemedy::PlugIn => {
            "plug in a reader; `tokentap doctor` looks for one that the kernel's NFC driver has taken, \
             as it does with an ACR122U: sudo modprobe -r pn533_usb pn533 nfc"
        }
        ReaderRemedy::FreeFromKernel => {
            "sudo modprobe -r pn533_usb pn533 nfc, then plug it in again; docs/readers.md says how to keep \
             the driver away for good"
        }
        ReaderRemedy::AllowUser if !cfg!(target_os = "linux") => {
            "sign in at the machine itself, not through SSH or a remote desktop"
        }
        ReaderRemedy::AllowUser => {
            "the service admits only the user at the machine itself, not SSH: add a polkit rule for \
             org.debian.pcsc-lite.access_pcsc and org.debian.pcsc-lite.access_card (docs/readers.md has one)"
        }
        ReaderRemedy::CloseHolder => "close the program that holds it; if it is GnuPG: gpgconf --kill scdaemon",
        ReaderRemedy::WaitForOther => {
            "wait until the other program is done, or close it, and run the same command again"
        }
        ReaderRemedy::Choose => "use --reader NAME or its number in `tokentap readers`",
        ReaderRemedy::LayDown => {
            "switch the token on (press its button until the display lights), \
             lay it on the reader, and run the same command again; --wait SECONDS waits for it"
        }
        ReaderRemedy::WakeUp => "switch the token on: press its button until the display lights, and lay it back",
        ReaderRemedy::ReplaceTag => "remove it and lay the token there",
        ReaderRemedy::UseVendorTool => {
            "nothing was sent to it: use the vendor's own tool for a Molto-1; for a token, lay it on the NFC reader"
        }
        ReaderRemedy::NameMolto2 => {
            "nothing was sent to it: for the Molto2, tokentap sync --reader NAME sets the clocks of its slots, and --slot N \
             names one of them to other commands; for a token, lay it on the NFC reader"
        }
        ReaderRemedy::NameKey => {
            "nothing was sent to it: it counts, and has no clock to set; tokentap info --reader NAME shows its HOTP slot, tokentap verify \
             --hotp checks its codes, tokentap burn --hotp writes it; for a token, lay it on the NFC reader"
        }
        ReaderRemedy::LayOnNfc => {
            "nothing was sent to it; switch the token on (press its button until the display lights), lay it on the NFC \
             reader, and run the same command again; --wait SECONDS waits for it"
        }
        ReaderRemedy::LayBack => "switch the token on, lay it back, and run the same command again",
        ReaderRemedy::Again => "run the same command again",
        ReaderRemedy::Diagnose if cfg!(windows) => {
            "restart the service \"Smart Card\" (services.msc), plug the reader in again, and run the same command again"
        }
        ReaderRemedy::Diagnose => "run `tokentap doctor`; docs/readers.md has what PC/SC can report",
        // Worded above, with what they name.
        ReaderRemedy::UseOneOf(_) | ReaderRemedy::PlugInDevice(_) => "",
    }
}
