//! What is asked of every kind of server, and what it answers.

use super::error::ServerError;
use super::kind::{Right, ServerKind};
use crate::seedfile::Row;
use crate::time::UnixTime;

/// An answer, or why there is none.
pub type Asked<T> = Result<T, ServerError>;

/// The clock of a server against the host's, by the `Date` of an answer (RFC 9110, section 6.6.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServerClock {
    /// The server's clock minus the host's, in seconds.
    pub offset_s: f64,
    /// The half-width of the interval that must hold it, in seconds: a `Date` has whole seconds, and an answer takes its time.
    pub within_s: f64,
}

/// What a sign-in has shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Who is signed in, as the server says it.
    pub who: String,
    /// The rights that the account lacks, as far as the server tells.
    pub lacks: Vec<Right>,
    /// The rights of which the server does not tell.
    pub untold: Vec<Right>,
    /// The server's clock.
    pub clock: Option<ServerClock>,
    /// The realm that the settings name, and those that the server has instead, where it has no such one.
    pub no_realm: Option<NoRealm>,
}

/// A realm that a server does not have: whoever is looked up there is not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRealm {
    /// The realm that is asked for.
    pub wanted: String,
    /// Those that are there.
    pub there: Vec<String>,
}

/// A token as a server has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerToken {
    /// The server's own name for it.
    pub id: String,
    /// Its serial.
    pub serial: String,
    /// Its user, as the server names them.
    pub user: Option<String>,
    /// The realm of that user, where the server has some.
    pub realm: Option<String>,
    /// How many users it has beside that one: a token put in its place would be that one's alone.
    pub more_users: usize,
    /// Whether it counts button presses.
    pub counts: bool,
    /// The time step, in seconds, where the server tells.
    pub step_s: Option<u32>,
    /// The digits of a code, where the server tells.
    pub digits: Option<u32>,
    /// The hash, as the server writes it, where it tells.
    pub hash: Option<String>,
    /// The first counter, or the first step of time, of which the server still accepts the code, where it tells.
    pub next_counter: Option<u64>,
    /// How far the server believes the clock to be off, in seconds, and when it last saw a code.
    pub believed: Option<(f64, UnixTime)>,
    /// It is switched off there, locked, or waits for its first code.
    pub is_off: bool,
    /// It was created, and waits for a code before anybody can sign in with it: what created it did not come to its end.
    pub is_unverified: bool,
}

/// A user as a server has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUser {
    /// The server's own name for them.
    pub id: String,
    /// Their name.
    pub name: String,
    /// The realm, where the server has some.
    pub realm: Option<String>,
}

/// How a new token is to be on a server.
pub struct Enrolment<'a> {
    /// Its seed, serial, hash, step, digits and counter.
    pub row: &'a Row,
    /// Its serial.
    pub serial: &'a str,
    /// A code of it that nobody needs any more, for a server that accepts no token before it has seen one.
    pub past_code: String,
}

/// A server that one is signed in at. Each call is one request, or a few that only read; each is bounded in time.
pub trait AuthServer {
    /// Its kind.
    fn kind(&self) -> ServerKind;

    /// Why this server could not use a token like this, in words; `None` where it can. Nothing is asked: what a server takes in silently
    /// and cannot use is known here.
    fn refuses(&self, row: &Row) -> Option<String>;

    /// Signs in, and says what the account may do.
    ///
    /// # Errors
    /// [`ServerError`], as of all methods here.
    fn standing(&self) -> Asked<Standing>;

    /// The tokens of a serial; several, where a server takes duplicates.
    ///
    /// # Errors
    /// As above.
    fn tokens(&self, serial: &str) -> Asked<Vec<ServerToken>>;

    /// All tokens, as the server lists them.
    ///
    /// # Errors
    /// As above.
    fn visit_tokens(&self, visit: &mut dyn FnMut(ServerToken)) -> Asked<()>;

    /// The users that a name means: by their login name, then by their address. Several: the name is ambiguous.
    ///
    /// # Errors
    /// As above.
    fn users(&self, name: &str) -> Asked<Vec<ServerUser>>;

    /// Creates a token; the server's own name for it. The caller has looked that there is none of this serial.
    ///
    /// # Errors
    /// As above; [`Fate::Unknown`](super::Fate::Unknown): it may be there.
    fn create(&self, new: &Enrolment<'_>) -> Asked<String>;

    /// Gives a token to a user.
    ///
    /// # Errors
    /// As above.
    fn assign(&self, token: &ServerToken, user: &ServerUser) -> Asked<()>;

    /// Gives a server the code of a user's new token that it wants before the first sign-in.
    ///
    /// # Errors
    /// As above; [`ServerError::NoSuchCall`] where it wants none.
    fn activate(&self, _token: &ServerToken, _user: &ServerUser, _code: &str) -> Asked<()> {
        Err(ServerError::NoSuchCall(self.kind()))
    }

    /// Makes the server find a token's clock, or counter, again by codes that follow each other. Whether it did.
    ///
    /// # Errors
    /// As above; [`ServerError::NoSuchCall`].
    fn resync(&self, _token: &ServerToken, _codes: &[String]) -> Asked<bool> {
        Err(ServerError::NoSuchCall(self.kind()))
    }

    /// Whether the server accepts a code, which it does not accept again afterwards.
    ///
    /// # Errors
    /// As above; [`ServerError::NoSuchCall`] where that cannot be asked without a sign-in of the user's.
    fn accepts(&self, _token: &ServerToken, _code: &str) -> Asked<bool> {
        Err(ServerError::NoSuchCall(self.kind()))
    }

    /// Takes the seed of a row in the place of the same token's: its clock is taken to be right, and codes from now on are accepted. The
    /// token stays its user's.
    ///
    /// # Errors
    /// As above; [`ServerError::NoSuchCall`].
    fn re_enrol(&self, _token: &ServerToken, _new: &Enrolment<'_>) -> Asked<()> {
        Err(ServerError::NoSuchCall(self.kind()))
    }

    /// Removes a token, wherever it is assigned.
    ///
    /// # Errors
    /// As above.
    fn remove(&self, token: &ServerToken) -> Asked<()>;
}
