//! One request and its whole answer, over `ureq`: TLS verified, no redirects, bounded in time and size, and what failed told apart by
//! whether anything was sent.

use std::io::ErrorKind;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
pub use ureq::http::Method;
use ureq::http::{Request, Response, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};
use zeroize::Zeroizing;

use super::asked::{Asked, ServerClock};
use super::error::ServerError;
use super::pace::Pace;
use super::settings::{ServerSettings, host_of, is_loopback};
use crate::time::{HostClock, SystemClock, UnixTime, seconds};

/// The bounds of one request.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The largest answer, in bytes: a page of two hundred tokens has a fifth of it.
const MAX_ANSWER: u64 = 2 << 20;

/// The largest list, in bytes of all of its pages: a hundred thousand tokens have less, at two kilobytes each.
const MAX_LIST: u64 = 256 << 20;

/// Waits; `false` where somebody wants the program to end.
pub type Pause = Arc<dyn Fn(Duration) -> bool + Send + Sync>;

/// The client of one server.
pub struct Http {
    agent: Agent,
    host: String,
    /// Whose name is looked up here: the server's own, or that of a proxy, which looks the server up.
    looked_up: String,
    pause: Pause,
}

/// A request.
pub struct Ask<'a> {
    /// `GET`, `POST` …
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Headers beside those of the body.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The body's kind, and the body.
    pub body: Option<(&'a str, Zeroizing<String>)>,
    /// Whether it is sent again where the server says 503: whoever creates something looks first whether that was done.
    pub only_reads: bool,
    /// Whether it has a code in it that soon expires: after a pause it is not sent again, and its sender makes a new one.
    pub is_of_now: bool,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content: null where there is none.
    pub value: Value,
    /// How many bytes that was.
    pub bytes: u64,
    /// The server's clock.
    pub clock: Option<ServerClock>,
}

impl Http {
    /// A client of the server that is at a URL.
    ///
    /// # Errors
    /// [`ServerError::Unusable`]: its authorities are none.
    pub fn new(url: &str, settings: &ServerSettings, pause: Pause) -> Asked<Self> {
        let host = host_of(url);
        let unusable = |what: &str| ServerError::Unusable(format!("{host}: {what}"));
        let roots = match &settings.ca {
            Some(pem) => {
                certificates(pem).ok_or_else(|| unusable("the authorities that were named for it are none"))?
            }
            None => {
                let found = rustls_native_certs::load_native_certs().certs;
                found.iter().map(|found| Certificate::from_der(found.as_ref()).to_owned()).collect()
            }
        };
        // What goes to this computer goes past no other, where it would be read.
        let proxy = if is_loopback(&host) { None } else { proxy_of_environment()? };
        let is_past_it = |proxy: &Proxy| url.parse().is_ok_and(|uri| proxy.is_no_proxy(&uri));
        let looked_up = proxy.as_ref().filter(|proxy| !is_past_it(proxy)).map_or(host.as_str(), Proxy::host).to_owned();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(roots))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_resolve(Some(CONNECT_WITHIN))
            .timeout_global(Some(ANSWER_WITHIN))
            .max_idle_age(Duration::from_secs(10))
            .user_agent(concat!("tokentap/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(tls)
            .build();
        Ok(Self { agent: config.new_agent(), host, looked_up, pause })
    }

    /// The host, for errors.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request, again where the server asks for that or was not reached, and reads the answer.
    ///
    /// # Errors
    /// [`ServerError`]; a status of 400 and above is an answer, but for 429, 503 and what else a server says of itself.
    pub fn ask(&self, ask: &Ask<'_>) -> Asked<Answer> {
        let mut pace = Pace::new();
        // A service that is being restarted is back within seconds.
        let mut refused = 0;
        loop {
            let (error, asked) = match self.once(ask) {
                Ok(Paused::No(answer)) => return Ok(answer),
                Ok(Paused::Until(pause)) if ask.is_of_now => {
                    return Err(ServerError::Busy { host: self.host.clone(), pause });
                }
                Ok(Paused::Until(pause)) => (ServerError::Busy { host: self.host.clone(), pause }, pause),
                Err(error @ ServerError::Unreachable { .. }) if refused < REFUSED => {
                    refused += 1;
                    (error, Some(ASK_AGAIN))
                }
                Err(error) => return Err(error),
            };
            let mut chance = [0];
            let _ = getrandom::fill(&mut chance);
            let Some(pause) = pace.pause(asked, chance[0]) else { return Err(error) };
            if !(self.pause)(pause) {
                return Err(error);
            }
        }
    }

    fn once(&self, ask: &Ask<'_>) -> Asked<Paused> {
        let mut request =
            Request::builder().method(ask.method.clone()).uri(&ask.url).header(header::ACCEPT, "application/json");
        for (name, value) in &ask.headers {
            request = request.header(*name, value.as_str());
        }
        if let Some((kind, _)) = &ask.body {
            request = request.header(header::CONTENT_TYPE, *kind);
        }
        let unusable = |error: ureq::http::Error| ServerError::Unusable(format!("{}: {error}", self.host));
        // A name that is not known is told apart before anything is sent: afterwards no error could be taken for that.
        if let Err(error) = (self.looked_up.as_str(), 443).to_socket_addrs() {
            let detail = match self.looked_up == self.host {
                true => error.to_string(),
                false => format!("the proxy {} is not known here: {error}", self.looked_up),
            };
            return Err(ServerError::Unreachable { host: self.host.clone(), detail });
        }
        let clock = SystemClock::new();
        let asked = clock.now();
        let sent = match &ask.body {
            Some((_, body)) => self.agent.run(request.body(body.as_bytes()).map_err(unusable)?),
            None => self.agent.run(request.body(()).map_err(unusable)?),
        };
        let mut response = sent.map_err(|error| self.failed(error))?;
        let answered = clock.now();
        let took_s = seconds(answered.wall - asked.wall).abs();
        let date = server_clock(&response, answered.wall, took_s);
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).map(host_of);
            let to = to.unwrap_or_default().chars().take(LONGEST_HOST).collect();
            return Err(ServerError::Redirected { host: self.host.clone(), to });
        }
        if status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::SERVICE_UNAVAILABLE && ask.only_reads) {
            return Ok(Paused::Until(retry_after(&response, answered.wall)));
        }
        let content = self.content(&mut response)?;
        let value = if content.is_empty() { Value::Null } else { self.parsed(&content, status)? };
        if status.is_server_error() && value.is_null() {
            return Err(ServerError::Faulty { host: self.host.clone(), status: status.as_u16() });
        }
        Ok(Paused::No(Answer { status: status.as_u16(), value, bytes: content.len() as u64, clock: date }))
    }

    /// Counts a page of a list.
    ///
    /// # Errors
    /// [`ServerError::Endless`]: the pages so far exceed the bound.
    pub fn count_page(&self, read: &mut u64, page: &Answer) -> Asked<()> {
        *read += page.bytes;
        if *read > MAX_LIST { Err(ServerError::Endless(self.host.clone())) } else { Ok(()) }
    }

    fn content(&self, response: &mut Response<Body>) -> Asked<Zeroizing<Vec<u8>>> {
        let read = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        read.map(Zeroizing::new).map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => ServerError::TooLarge(self.host.clone()),
            error => ServerError::NoAnswer { host: self.host.clone(), detail: error.to_string() },
        })
    }

    fn parsed(&self, content: &[u8], status: StatusCode) -> Asked<Value> {
        serde_json::from_slice(content).map_err(|_| match status.is_server_error() {
            true => ServerError::Faulty { host: self.host.clone(), status: status.as_u16() },
            false => ServerError::NotJson { host: self.host.clone(), status: status.as_u16() },
        })
    }

    /// A failure of the transport, told apart by whether anything was sent.
    fn failed(&self, error: ureq::Error) -> ServerError {
        let host = self.host.clone();
        if let Some(detail) = certificate_fault(&error) {
            return ServerError::Certificate { host, detail };
        }
        if let Some(detail) = secure_fault(&error) {
            return ServerError::NotSecure { host, detail };
        }
        let detail = error.to_string();
        match error {
            ureq::Error::HostNotFound => ServerError::Unreachable { host, detail: "no such host".to_owned() },
            ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
                ServerError::Unreachable { host, detail }
            }
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => ServerError::Unreachable {
                host,
                detail: format!("no connection within {} s", CONNECT_WITHIN.as_secs()),
            },
            ureq::Error::Timeout(_) => {
                ServerError::NoAnswer { host, detail: format!("no answer within {} s", ANSWER_WITHIN.as_secs()) }
            }
            ureq::Error::Io(error) if is_unconnected(error.kind()) => ServerError::Unreachable { host, detail },
            ureq::Error::Tls(_) | ureq::Error::TlsRequired => ServerError::Unreachable { host, detail },
            ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl | ureq::Error::Http(_) => {
                ServerError::Unusable(format!("{host}: {detail}"))
            }
            _ => ServerError::NoAnswer { host, detail },
        }
    }
}

/// The proxy that the usual variables name, in the order in which the client reads them. One that names none is not passed by in silence.
fn proxy_of_environment() -> Asked<Option<Proxy>> {
    for name in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        let Some(given) = std::env::var_os(name).filter(|given| !given.is_empty()) else { continue };
        if given.to_str().is_none_or(|given| Proxy::new(given).is_err()) {
            let what = format!("the variable {name} names no proxy that can be used (its text is not repeated here)");
            return Err(ServerError::Unusable(what));
        }
    }
    Ok(Proxy::try_from_env())
}

/// The longest name of a host (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

/// How often a connection is tried again that was refused, and after what time.
const REFUSED: u32 = 2;
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What came of sending a request once.
enum Paused {
    /// An answer.
    No(Answer),
    /// It is to be sent again, after so long.
    Until(Option<Duration>),
}

fn is_unconnected(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    )
}

/// The failure of TLS (RFC 8446), if it is one.
fn of_rustls(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<rustls::Error>(),
        _ => None,
    }
}

/// What is wrong with a secure connection, but for the server's certificate.
fn secure_fault(error: &ureq::Error) -> Option<String> {
    Some(match of_rustls(error)? {
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        rustls::Error::PeerIncompatible(_) => "it has no version or cipher of TLS that is safe enough".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("it broke off with the alert {alert:?}"),
        fault => fault.to_string(),
    })
}

/// What is wrong with a certificate, if that is the failure.
fn certificate_fault(error: &ureq::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(fault) = of_rustls(error)? else { return None };
    Some(match fault {
        rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        rustls::CertificateError::NotValidYet | rustls::CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or this computer's clock is wrong".to_owned()
        }
        rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        rustls::CertificateError::UnknownIssuer => "no authority that is trusted here vouches for it".to_owned(),
        fault => format!("{fault:?}"),
    })
}

fn certificates(pem: &str) -> Option<Vec<Certificate<'static>>> {
    let found: Vec<Certificate<'static>> = parse_pem(pem.as_bytes())
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(found)) => Some(found),
            _ => None,
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Whether a text has certificates in it, in PEM.
pub fn has_certificates(pem: &str) -> bool {
    certificates(pem).is_some()
}

/// A pause that a server asks for (RFC 9110, section 10.2.3): seconds, or a time.
fn retry_after(response: &Response<Body>, now: UnixTime) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
    (until.to_utc() - now).to_std().ok()
}

fn server_clock(response: &Response<Body>, now: UnixTime, took_s: f64) -> Option<ServerClock> {
    let text = response.headers().get(header::DATE)?.to_str().ok()?;
    let date = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?.to_utc();
    // It names the second in which the answer was made, somewhere within the time that it took.
    let offset_s = seconds(date - now) + 0.5 + took_s / 2.0;
    Some(ServerClock { offset_s, within_s: 0.5 + took_s / 2.0 })
}
