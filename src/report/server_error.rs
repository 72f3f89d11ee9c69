//! What servers did not do, in words, and what helps.

use super::audience::Audience;
use super::server_commands::WHERE_SEALED;
use crate::server::{Right, ServerError, ServerRemedy};

/// Why a server did not do something.
#[must_use]
pub fn server_fact(error: &ServerError) -> String {
    match error {
        ServerError::Unreachable { host, detail } => format!("{host} cannot be reached: {detail}; nothing was sent"),
        ServerError::Certificate { host, detail } => {
            format!("the certificate of {host} is not accepted: {detail}; nothing was sent")
        }
        ServerError::NotSecure { host, detail } => format!("no secure connection with {host}: {detail}"),
        ServerError::NoAnswer { host, detail } => format!("{host} did not answer in full: {detail}"),
        ServerError::Busy { host, pause: Some(pause) } => {
            format!("{host} is busy: it asks for another try in {} s", pause.as_secs())
        }
        ServerError::Busy { host, pause: None } => format!("{host} has been busy for more than two minutes"),
        ServerError::Faulty { host, status } => format!("{host} has a fault of its own (HTTP {status})"),
        ServerError::NotJson { host, status } => {
            format!(
                "{host} answered with a page and not with data (HTTP {status}): the page may come from a proxy, or from a portal that wants a sign-in"
            )
        }
        ServerError::Redirected { host, to } if to.is_empty() => {
            format!("{host} redirects elsewhere, which is not followed")
        }
        ServerError::Redirected { host, to } => format!("{host} redirects to {to}, which is not followed"),
        ServerError::TooLarge(host) => format!("the answer of {host} is too large"),
        ServerError::Endless(host) => {
            format!("the list of {host} has pages that do not come to an end, so it was not read whole")
        }
        ServerError::Lacks { host, field } => format!("the answer of {host} lacks {field}"),
        ServerError::SignIn { host, detail } => format!("{host} does not let this account in{}", own_words(detail)),
        ServerError::Forbidden { host, detail } => format!("{host} does not allow that{}", own_words(detail)),
        ServerError::Refused { host, status, detail } => format!("{host} refused (HTTP {status}){}", own_words(detail)),
        ServerError::Absent(host) => format!("{host} has no such token, user or page"),
        ServerError::NoSuchCall(kind) => format!("{} has no call for that", kind.name()),
        ServerError::NewPin(host) => {
            format!(
                "a policy of {host} (otp_pin_random) would give the token a new PIN, which nobody knows; it was not enrolled again"
            )
        }
        ServerError::Unusable(what) => what.clone(),
        ServerError::NotAllowed { page } => format!("nobody signed in at {page} in time, or it was declined"),
    }
}

fn own_words(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

/// What helps, with the name that the server has here.
#[must_use]
pub fn remedy_of_server(remedy: ServerRemedy, name: &str, audience: Audience) -> String {
    let again = audience.again();
    let checks = audience.command(&format!("tokentap server check {name}, {WHERE_SEALED}"));
    let shows = audience.command(&format!("tokentap server compare {name}, {WHERE_SEALED}"));
    match remedy {
        ServerRemedy::Reach => format!(
            "check that the server is running, that this computer can reach it, and which proxy HTTPS_PROXY names, if any; then {again}"
        ),
        ServerRemedy::Certificate => format!(
            "have the certificate renewed, or add the server again under the same name, with the certificate of its authority ({}); a \
             certificate is never accepted unchecked",
            audience.command("tokentap server add, with --ca FILE")
        ),
        ServerRemedy::LookAgain => format!("{again}: it first checks what was done, and does nothing twice"),
        ServerRemedy::Later => format!("wait a few minutes, and {again}"),
        ServerRemedy::Address => format!(
            "check that the address is the server's own ({}), and that no proxy or portal is in between",
            audience.command("tokentap server list")
        ),
        ServerRemedy::Account => format!(
            "check that the account and credential are right; to change them, add {name} again under the same name, with its other options as before ({})",
            audience.command("tokentap server add --help")
        ),
        ServerRemedy::Rights => format!("see which rights the account needs: {checks}"),
        ServerRemedy::Words => format!("do what the server says; to see what it has: {shows}"),
        ServerRemedy::SignInInTime => format!("{again}, and sign in within ten minutes"),
        ServerRemedy::OtherKind(_) => "use the server's own page".to_owned(),
        ServerRemedy::SwitchOffNewPins => {
            format!("ask whoever runs the server to switch that policy off meanwhile, and {again}")
        }
        ServerRemedy::Environment => format!("correct what is named, and {again}"),
    }
}

/// A right, and the commands that need it.
#[must_use]
pub fn right_words(right: Right) -> (&'static str, &'static str) {
    match right {
        Right::List => ("to list tokens", "hand-over, sync --mend, server pull, server compare"),
        Right::Create => ("to create tokens", "hand-over, sync --mend --re-enrol"),
        Right::Users => ("to look users up", "hand-over, server compare"),
        Right::Assign => ("to assign tokens", "hand-over"),
        Right::Resync => ("to resynchronise tokens", "sync --mend, server resync"),
    }
}

/// A right in a word.
#[must_use]
pub fn right_word(right: Right) -> &'static str {
    match right {
        Right::List => "list",
        Right::Create => "create",
        Right::Users => "users",
        Right::Assign => "assign",
        Right::Resync => "resync",
    }
}
