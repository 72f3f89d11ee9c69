//! The drift that an authentication server accepts.

/// What a server does about a clock that drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// Nothing: the drift from true time counts.
    Nothing,
    /// It remembers the drift at each login: what came since then counts.
    Logins,
}

/// A server's window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// The drift that it accepts to either side, in seconds.
    pub seconds: f64,
    /// What it does about a clock that drifts.
    pub following: Following,
    /// The source; `None` where the size is assumed.
    pub source: Option<&'static str>,
}

impl Window {
    /// The window where nothing is known of the server: one step of 30 s, of a server that follows nothing.
    pub const ASSUMED: Self = Self { seconds: 30.0, following: Following::Nothing, source: None };

    /// Servers by name. Duo does not adjust for drift (Token2, "Using Token2 TOTP hardware tokens with Duo"); how much it accepts is not
    /// published.
    pub const SERVERS: &[(&'static str, Self)] = &[
        ("duo", Self::ASSUMED),
        (
            "entra",
            Self {
                seconds: 120.0,
                following: Following::Logins,
                source: Some(
                    "Token2's blog of 3 March 2025, \"Understanding Entra's New Time Drift Allowance\": about 2 minutes",
                ),
            },
        ),
        (
            "privacyidea",
            Self {
                seconds: 180.0,
                following: Following::Logins,
                source: Some("privacyIDEA's manual, TOTP token, \"timeWindow\": 180 s unless it was set otherwise"),
            },
        ),
    ];

    /// The window of a server by its name.
    #[must_use]
    pub fn of_server(name: &str) -> Option<Self> {
        Self::SERVERS.iter().find(|(known, _)| *known == name).map(|(_, window)| *window)
    }
}
