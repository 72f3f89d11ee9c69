//! How long a server that asks for a pause is left alone (RFC 9110, section 10.2.3), and what is sent again: the pauses are written down, and
//! nobody waits.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokentap::seedfile::Row;
use tokentap::server::{AuthServer, Enrolment, Fate, Pause, ServerError, ServerKind, ServerSettings, open};
use zeroize::Zeroizing;

use super::duo_stand_in::{Duo, INTEGRATION_KEY, SECRET_KEY};
use super::stand_in::Fault;

type Paused = Arc<Mutex<Vec<Duration>>>;

/// A client of a server at an address, and the pauses that it makes.
fn client(url: &str, goes_on: bool) -> (Box<dyn AuthServer + Send + Sync>, Paused) {
    let settings = ServerSettings {
        kind: ServerKind::Duo,
        url: url.to_owned(),
        account: INTEGRATION_KEY.to_owned(),
        tenant: None,
        sign_in: None,
        realm: None,
        ca: None,
        credential_file: None,
        by_person: false,
    };
    let paused = Paused::default();
    let kept = Arc::clone(&paused);
    let pause: Pause = Arc::new(move |span| {
        kept.lock().unwrap().push(span);
        goes_on
    });
    let server = open(&settings, Zeroizing::new(SECRET_KEY.to_owned()), pause, Arc::new(|_, _| ())).unwrap();
    (server, paused)
}

fn seconds(paused: &Paused) -> Vec<u64> {
    paused.lock().unwrap().iter().map(Duration::as_secs).collect()
}

fn seed() -> Row {
    Row::of_seed(crate::support::seed(&[7; 20]))
}

#[test]
fn a_server_that_names_a_pause_is_left_alone_for_as_long_and_then_does_what_it_was_asked() {
    let server = Duo::start(&[]);
    let (client, paused) = client(&server.url(), true);
    let row = seed();
    server.lay("POST", Fault::Busy(Some(7)), 1);
    client.create(&Enrolment { row: &row, serial: "86596120000001", past_code: String::new() }).unwrap();
    assert_eq!(seconds(&paused), [7]);
    // As a time, of which only whole seconds are told.
    server.lay("GET", Fault::BusyUntil(30), 1);
    assert_eq!(client.tokens("86596120000001").unwrap().len(), 1);
    let last = *paused.lock().unwrap().last().unwrap();
    assert!(last > Duration::from_secs(15) && last <= Duration::from_secs(30), "{last:?}");
    // A time that is past is no reason to ask without any pause.
    server.lay("GET", Fault::BusyUntil(-30), 1);
    assert_eq!(client.tokens("86596120000001").unwrap().len(), 1);
    assert!(*paused.lock().unwrap().last().unwrap() >= Duration::from_secs(1));
    assert_eq!(server.now().tokens.len(), 1);
}

#[test]
fn a_server_that_names_a_day_is_not_waited_for_and_its_pause_is_told() {
    let server = Duo::start(&[]);
    let (client, paused) = client(&server.url(), true);
    server.lay("GET", Fault::Busy(Some(86_400)), 1000);
    let error = client.tokens("86596120000001").unwrap_err();
    assert!(matches!(error, ServerError::Busy { pause: Some(pause), .. } if pause.as_secs() == 86_400), "{error:?}");
    assert_eq!((seconds(&paused), server.asked("GET")), (Vec::new(), 1));
}

#[test]
fn pauses_grow_where_none_is_named_and_whoever_stops_is_not_kept() {
    let server = Duo::start(&[]);
    server.lay("", Fault::Busy(None), 1000);
    let (patient, paused) = client(&server.url(), true);
    assert!(matches!(patient.tokens("86596120000001"), Err(ServerError::Busy { pause: None, .. })));
    let (spans, asked) = (seconds(&paused), server.log().len());
    assert!(spans.is_sorted() && spans.len() > 3 && spans.iter().sum::<u64>() <= 300, "{spans:?}");
    assert_eq!(asked, spans.len() + 1);
    let (stopped, paused) = client(&server.url(), false);
    assert!(stopped.tokens("86596120000001").is_err());
    assert_eq!((paused.lock().unwrap().len(), server.log().len()), (1, asked + 1));
}

#[test]
fn what_only_reads_is_sent_again_to_a_server_that_is_away_and_a_creation_is_not() {
    let server = Duo::start(&[]);
    let (client, paused) = client(&server.url(), true);
    server.lay("GET", Fault::Away, 2);
    assert_eq!(client.tokens("86596120000001").unwrap().len(), 0);
    assert_eq!(paused.lock().unwrap().len(), 2);
    // Whether a server that says 503 has done it, nobody knows.
    server.lay("POST", Fault::Away, 1);
    let row = seed();
    let error =
        client.create(&Enrolment { row: &row, serial: "86596120000001", past_code: String::new() }).unwrap_err();
    assert_eq!((server.asked("POST"), error.fate()), (1, Fate::Unknown), "{error:?}");
    assert_eq!(paused.lock().unwrap().len(), 2);
}

#[test]
fn a_connection_that_is_refused_is_tried_again_a_moment_later_and_nothing_was_done_then() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (client, paused) = client(&format!("http://127.0.0.1:{nobody}"), true);
    let row = seed();
    let error =
        client.create(&Enrolment { row: &row, serial: "86596120000001", past_code: String::new() }).unwrap_err();
    assert!(matches!(error, ServerError::Unreachable { .. }) && error.fate() == Fate::NotDone, "{error:?}");
    assert_eq!(seconds(&paused), [1, 1]);
}
