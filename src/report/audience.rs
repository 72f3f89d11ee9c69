//! Where words are read: the same thing is done in one way in a terminal, and in another at the page in the browser.

use super::server_commands::mend;

/// Where somebody reads words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// In a terminal, at the command line.
    Terminal,
    /// At the page of `tokentap web`.
    Page,
    /// At a page that shows the desk and nothing else: what is done at another screen is done at another page.
    Kiosk,
}

/// The page ends with its program, and not with its tab.
const RESTART: &str = "stop tokentap web (Ctrl-C in its window), and start it again";

impl Audience {
    /// Does the same once more.
    #[must_use]
    pub fn again(self) -> &'static str {
        match self {
            Self::Terminal => "run the same command again",
            Self::Page | Self::Kiosk => "try it again here",
        }
    }

    /// Whether that is in the browser.
    #[must_use]
    pub fn is_page(self) -> bool {
        self != Self::Terminal
    }

    /// What is done at the page, or otherwise in a terminal.
    #[must_use]
    pub fn at_page(self, here: &str, in_terminal: impl FnOnce() -> String) -> String {
        match self {
            Self::Terminal => in_terminal(),
            Self::Page => here.to_owned(),
            Self::Kiosk => format!("{here}, at a page without --kiosk"),
        }
    }

    /// Names a flag: the page is started with it.
    #[must_use]
    pub fn flag(self, flag: &str) -> String {
        match self {
            Self::Terminal => format!("use {flag}"),
            Self::Page | Self::Kiosk => format!("{RESTART} with {flag}"),
        }
    }

    /// A command, for whoever can leave the page open meanwhile.
    #[must_use]
    pub fn command(self, command: &str) -> String {
        match self {
            Self::Terminal => command.to_owned(),
            Self::Page | Self::Kiosk => format!("in a terminal: {command}"),
        }
    }

    /// A command that works with a token at a reader: the page has the readers.
    #[must_use]
    pub fn command_at_reader(self, command: &str) -> String {
        match self {
            Self::Terminal => command.to_owned(),
            Self::Page | Self::Kiosk => format!("in a terminal, when tokentap web is stopped: {command}"),
        }
    }

    /// Has a server accept the codes of a token whose clock was set.
    #[must_use]
    pub fn mend(self, server: &str) -> String {
        self.at_page("choose \"Mend it on its server\"", || format!("run {}", mend(server)))
    }

    /// The same, by enrolling its seed there again.
    #[must_use]
    pub fn re_enrol(self, server: &str) -> String {
        self.command_at_reader(&format!("{} --re-enrol", mend(server)))
    }
}
