//! The permitted uses of a PSKC key, and their end (RFC 6030, section 5).

use chrono::{DateTime, Utc};

use super::problem::Fault;
use super::pskc_values::Found;
use super::shown::shown;
use super::xml::Element;

/// A key that is not used yet, or no more.
pub(super) fn check_dates(of: Option<&Element>) -> Found<()> {
    let Some(of) = of else { return Ok(()) };
    let now = Utc::now();
    for (names, is_end) in [(&["StartDate"][..], false), (&["ExpiryDate", "Expiry"], true)] {
        let Some(found) = of.any(names) else { continue };
        let text = found.text.trim();
        let Some(at) = date(text) else {
            return Err(Fault::unusable(format!("<{}> is no date: \"{}\"", shown(&found.name), shown(text))));
        };
        if is_end && at < now {
            return Err(Fault::forbidden(format!("the key has expired: on {}", at.format("%Y-%m-%d"))));
        }
        if !is_end && at > now {
            return Err(Fault::forbidden(format!("the key is not to be used before {}", at.format("%Y-%m-%d"))));
        }
    }
    Ok(())
}

/// `2037-12-31T00:00:00Z`, and what drafts have: `31/12/2037`, `2037-12-31`.
fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Ok(at) = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(at.and_utc());
    }
    let day = ["%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%dZ"]
        .iter()
        .find_map(|form| chrono::NaiveDate::parse_from_str(text, form).ok());
    Some(day?.and_hms_opt(0, 0, 0)?.and_utc())
}

/// The permitted uses of a key (RFC 6030, section 5): what is not known here must be taken as forbidden.
pub(super) fn check_policy(policy: &Element, notes: &mut Vec<String>) -> Found<()> {
    check_dates(Some(policy))?;
    let mut usages = policy.children_named("KeyUsage").map(|usage| usage.text.trim()).peekable();
    if usages.peek().is_some() && !usages.any(|usage| usage.eq_ignore_ascii_case("OTP")) {
        return Err(Fault::unusable("the key is not to be used for one-time passwords".to_owned()));
    }
    for rule in &policy.children {
        if rule.is("PINPolicy") {
            let mode = rule.attribute("PINUsageMode").unwrap_or_default();
            if !mode.eq_ignore_ascii_case("Local") {
                let what = format!("its codes are used with a PIN (\"{}\"), which no token of these has", shown(mode));
                return Err(Fault::unusable(what));
            }
            notes.push("the key asks for a PIN on the device, and these tokens have none".to_owned());
        } else if !["StartDate", "ExpiryDate", "KeyUsage"].iter().any(|known| rule.is(known)) {
            let what = format!("its policy has <{}>, which is not known or cannot be kept", shown(&rule.name));
            return Err(Fault::forbidden(what));
        }
    }
    Ok(())
}
