//! The commands that work with a server, as somebody types them. Seeds and credentials are sealed by default: without the identity that
//! opens them such a command would end with an error.

/// Hands a token over.
#[must_use]
pub fn hand_over(server: &str, serial: &str) -> String {
    format!("tokentap hand-over {server} --serial {serial} --identity FILE")
}

/// Has a server accept the codes of a token whose clock was set.
#[must_use]
pub fn mend(server: &str) -> String {
    format!("tokentap sync --mend {server} --identity FILE")
}

/// Has a server find a token's counter again by the last of the codes that follow each other; those that are still to be pressed stand as `CODE`.
#[must_use]
pub fn resync(server: &str, serial: &str, codes: &[String], wants: usize) -> String {
    let codes = codes.get(codes.len().saturating_sub(wants)..).unwrap_or_default();
    let code = |at: usize| codes.get(at).map_or("CODE", String::as_str);
    let (first, second) = (code(0), code(1));
    let third = if wants > 2 { format!(" {}", code(2)) } else { String::new() };
    format!("tokentap server resync {server} {serial} {first} {second}{third}")
}

/// Says that a server was mended by hand.
#[must_use]
pub fn mended(server: &str, serial: &str) -> String {
    format!("tokentap server mended {server} {serial}")
}

/// Said of a command that needs the server's credential and no seed.
pub const WHERE_SEALED: &str = "with --identity FILE where the server's credential is sealed";
