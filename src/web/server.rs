//! The server: on a random port of 127.0.0.1, for as long as the program runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use super::ask::{Ask, Asked};
use super::board::Board;
use super::gate::Gate;
use super::page::{HEADERS, PARTS};

/// The largest request: a list of some ten thousand seeds.
const LARGEST: usize = 8 << 20;

/// How long a page waits for news at most, before it asks again.
const NEWS_WITHIN: Duration = Duration::from_secs(20);

/// How long a client may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

/// How long a whole request and its answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// How long a connection may last.
const CONNECTED_WITHIN: Duration = Duration::from_secs(150);

/// The largest request of somebody who has no bearer yet.
const LARGEST_CODE: usize = 4 << 10;

/// How long an address that nobody has opened is good: it stays on the terminal's screen.
pub const CODE_LASTS: Duration = Duration::from_secs(600);

/// How many connections are served at once.
const CONNECTIONS: usize = 64;

struct Shared {
    gate: Arc<Gate>,
    board: Arc<Board>,
    asks: Sender<Asked>,
}

/// A server that runs; it ends when this is dropped.
pub struct Served {
    /// The gate: it makes addresses.
    pub gate: Arc<Gate>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Serves the page. What is asked there goes into `asks`.
///
/// # Errors
/// The system gives no port, or no thread.
pub fn serve(board: Arc<Board>, asks: Sender<Asked>) -> std::io::Result<Served> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let gate = Arc::new(Gate::new(listener.local_addr()?.port()));
    let shared = Arc::new(Shared { gate: gate.clone(), board, asks });
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = accept(&listener, &shared) => {}
                _ = stopped => {}
            }
        });
        // A hung client does not hold the program back.
        runtime.shutdown_background();
    })?;
    Ok(Served { gate, stop: Some(stop), thread: Some(thread) })
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let service = router(shared.clone());
    loop {
        let Ok(place) = free.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files are open, for example: that passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            // One request for each: a connection that is held open holds its place no longer than that.
            let http = http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).keep_alive(false);
            // A client that goes away, or does not read, is no fault.
            let _ = tokio::time::timeout(CONNECTED_WITHIN, http.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new();
    for (path, kind, text) in PARTS {
        router = router.route(path, get(move || async move { ([(header::CONTENT_TYPE, kind)], text) }));
    }
    let behind_the_gate = Router::new()
        .route("/api/state", get(state))
        .route("/api/ask", post(ask))
        .route("/api/code", post(code))
        .layer(from_fn_with_state(shared.clone(), bearer));
    router
        .route(
            "/api/session",
            post(session).layer(DefaultBodyLimit::max(LARGEST_CODE)).layer(from_fn_with_state(shared.clone(), site)),
        )
        .merge(behind_the_gate.layer(DefaultBodyLimit::max(LARGEST)))
        .layer(from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// Everything passes here: where it comes from, how long it takes, and with which headers it is answered.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let passes = match length {
        // Whoever says so much is told before any of it is read.
        Some(length) if length > LARGEST as u64 => Err(StatusCode::PAYLOAD_TOO_LARGE),
        _ => shared.gate.check_origin(request.method(), request.headers()),
    };
    let mut response = match passes {
        Ok(()) => match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
            Ok(response) => response,
            Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
        },
        Err(status) => status.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn site(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.gate.check_site(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(status) => status.into_response(),
    }
}

async fn bearer(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.gate.check_site(request.headers()).and_then(|()| shared.gate.check_bearer(request.headers())) {
        Ok(()) => next.run(request).await,
        Err(status) => status.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

/// A code for a bearer.
async fn session(
    State(shared): State<Arc<Shared>>,
    Json(Code { code }): Json<Code>,
) -> Result<Json<Value>, StatusCode> {
    shared.gate.exchange(&code).map(|bearer| Json(json!({ "bearer": bearer })))
}

/// The address of one more page.
async fn code(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, StatusCode> {
    let address = shared.gate.address(Some(CODE_LASTS)).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({ "address": address })))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// The board as it is, when it is another one than the page has; or after a while.
async fn state(State(shared): State<Arc<Shared>>, Query(After { after }): Query<After>) -> Response {
    let mut changes = shared.board.changes();
    let is_new = changes.wait_for(|number| *number != after);
    // Either way the board is shown as it is then.
    let _ = tokio::time::timeout(NEWS_WITHIN, is_new).await;
    ([(header::CONTENT_TYPE, "application/json")], Body::from(shared.board.shown())).into_response()
}

/// Passes a wish on, and its answer back.
async fn ask(State(shared): State<Arc<Shared>>, Json(ask): Json<Ask>) -> Response {
    let (answer, answered) = oneshot::channel();
    if shared.asks.send(Asked { ask, answer }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answered.await {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, Json(refused)).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
