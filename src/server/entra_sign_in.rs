//! Signing in at Microsoft's identity platform: by a client's secret (RFC 6749, section 4.4), or by a person at another page (RFC 8628).

use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::asked::Asked;
use super::error::ServerError;
use super::http::{Answer, Ask, Http, Method};
use super::json::{Fields, harmless, number_in, text_in};
use super::settings::ServerSettings;
use super::url_text::{encoded, query};

/// Shows a person the page where they sign in, and the code that they type there.
pub type TellPerson = std::sync::Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How long a person is waited for.
const PERSON_WITHIN: Duration = Duration::from_secs(600);

/// What a person has to do.
pub struct AskPerson<'a> {
    /// Shows the page and the code that is typed there.
    pub tell: &'a dyn Fn(&str, &str),
    /// Waits; `false` where somebody wants the program to end.
    pub pause: &'a dyn Fn(Duration) -> bool,
}

/// The right to speak to Graph for about an hour.
pub struct Ticket(pub Zeroizing<String>);

/// Signs in with a client's secret.
///
/// # Errors
/// [`ServerError`].
pub fn by_secret(http: &Http, settings: &ServerSettings, secret: &str) -> Asked<(Ticket, Answer)> {
    let scope = format!("{}/.default", settings.url);
    let form = Zeroizing::new(query(&[
        ("grant_type", "client_credentials"),
        ("client_id", &settings.account),
        ("client_secret", secret),
        ("scope", &scope),
    ]));
    let answer = http.ask(&post(settings, "token", form))?;
    let ticket = ticket(http, &answer)?;
    Ok((ticket, answer))
}

/// Signs in a person, who types a code at a page.
///
/// # Errors
/// [`ServerError`]; [`ServerError::NotAllowed`] where nobody did.
pub fn by_person(http: &Http, settings: &ServerSettings, ask: &AskPerson<'_>) -> Asked<(Ticket, Answer)> {
    let scope = SCOPES.map(|right| format!("{}/{right}", settings.url)).join(" ");
    let form = Zeroizing::new(query(&[("client_id", &settings.account), ("scope", &scope)]));
    let begun = http.ask(&post(settings, "devicecode", form))?;
    refused(http, &begun)?;
    let fields = Fields { host: http.host(), value: &begun.value };
    let (page, code) = (fields.text("/verification_uri")?.to_owned(), fields.text("/user_code")?);
    let device = Zeroizing::new(fields.text("/device_code")?.to_owned());
    // What is shown to a person is a page of the server's, and a short code.
    let is_page = page.starts_with("https://") && page.chars().all(|c| c.is_ascii_graphic());
    let is_code = code.len() <= 32 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !(is_page && is_code) {
        return Err(ServerError::Lacks { host: http.host().to_owned(), field: "/verification_uri" });
    }
    (ask.tell)(&page, code);
    let mut interval = Duration::from_secs(number_in(&begun.value, "interval").unwrap_or(5).clamp(1, 60));
    let mut waited = Duration::ZERO;
    let not_allowed = || ServerError::NotAllowed { page: page.clone() };
    while waited < PERSON_WITHIN {
        if !(ask.pause)(interval) {
            return Err(not_allowed());
        }
        waited += interval;
        let form = Zeroizing::new(query(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &settings.account),
            ("device_code", &device),
        ]));
        let answer = http.ask(&post(settings, "token", form))?;
        match text_in(&answer.value, "error").as_deref() {
            None => return Ok((ticket(http, &answer)?, answer)),
            Some("authorization_pending") => {}
            // RFC 8628, section 3.5.
            Some("slow_down") => interval += Duration::from_secs(5),
            Some("authorization_declined" | "access_denied" | "expired_token") => return Err(not_allowed()),
            Some(_) => refused(http, &answer)?,
        }
    }
    Err(not_allowed())
}

/// What a person is asked to allow (Microsoft Graph permissions reference).
const SCOPES: [&str; 3] =
    ["Policy.ReadWrite.AuthenticationMethod", "UserAuthenticationMethod.ReadWrite.All", "User.Read.All"];

fn post(settings: &ServerSettings, what: &str, form: Zeroizing<String>) -> Ask<'static> {
    let base = settings.sign_in.as_deref().unwrap_or("https://login.microsoftonline.com");
    let tenant = encoded(settings.tenant.as_deref().unwrap_or("organizations"));
    Ask {
        method: Method::POST,
        url: format!("{base}/{tenant}/oauth2/v2.0/{what}"),
        headers: Vec::new(),
        body: Some(("application/x-www-form-urlencoded", form)),
        only_reads: true,
        is_of_now: false,
    }
}

fn ticket(http: &Http, answer: &Answer) -> Asked<Ticket> {
    refused(http, answer)?;
    let token = Fields { host: http.host(), value: &answer.value }.text("/access_token")?;
    Ok(Ticket(Zeroizing::new(token.to_owned())))
}

/// The refusal of an answer that is one.
fn refused(http: &Http, answer: &Answer) -> Asked<()> {
    let host = http.host().to_owned();
    match text_in(&answer.value, "error") {
        None if answer.status >= 500 => Err(ServerError::Faulty { host, status: answer.status }),
        None => Ok(()),
        Some(word) => {
            // The first line says what is wrong; those behind it are numbers for the server's makers.
            let detail = text_in(&answer.value, "error_description");
            let first = harmless(detail.as_deref().and_then(|text| text.lines().next()).unwrap_or(&word));
            Err(ServerError::SignIn { host, detail: first })
        }
    }
}

/// The rights that a ticket names: of an application its roles, of a person the scopes. The ticket is not verified: it is the server's to
/// verify, and this only tells a person beforehand what will be refused.
#[must_use]
pub fn rights_of(ticket: &Ticket) -> Option<Vec<String>> {
    let claims = ticket.0.split('.').nth(1)?;
    let bytes = data_encoding::BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let roles = claims.get("roles").and_then(Value::as_array);
    let roles = roles.map(|roles| roles.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    roles.or_else(|| Some(text_in(&claims, "scp")?.split(' ').map(str::to_owned).collect()))
}
