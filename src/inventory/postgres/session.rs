//! A connection to a PostgreSQL server, asked synchronously. Each call is bounded in time: a server that goes mute blocks nobody, and
//! a connection on which a call was not answered is not used again.

use std::collections::HashMap;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::bounds::ANSWERS_WITHIN;
use crate::inventory::InventoryError;

/// The values of a statement.
pub type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why something was not done on the server.
#[derive(Debug)]
pub enum Trouble {
    /// It was not reached, or has ended the connection, which is of no more use.
    Away(String),
    /// It did not answer in time: the connection is of no more use, and another one would be of none either.
    Mute(String),
    /// It is not who it is meant to be, or nobody vouches for it.
    Untrusted(String),
    /// It refused.
    Refused(Box<DbError>),
    /// A value that this program never writes.
    Odd(String),
    /// What is on record stands against it.
    Rows(InventoryError),
}

impl Trouble {
    /// Whether the connection is of no more use.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Mute(_))
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // The server is about to stop, or not yet there.
            Some(refused)
                if [
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::TOO_MANY_CONNECTIONS,
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                ]
                .contains(refused.code()) =>
            {
                Self::Away(refused.message().to_owned())
            }
            Some(refused) => Self::Refused(Box::new(refused.clone())),
            None if is_conversion(&error) => Self::Odd(error.to_string()),
            None if is_untrusted(&error) => Self::Untrusted(with_cause(&error)),
            None => Self::Away(with_cause(&error)),
        }
    }
}

/// Whether a value came, or was to go, that does not have the type of its column.
fn is_conversion(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_none())
        && error.to_string().contains("serializ")
}

/// Whether the server's certificate was refused.
fn is_untrusted(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let tls = cause.and_then(std::io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

fn with_cause(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        // The outer one says no more than that it was while connecting.
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// One connection, with the statements that it has prepared.
pub struct Session {
    runtime: Runtime,
    client: Client,
    statements: HashMap<String, Statement>,
    within: Duration,
}

impl Session {
    /// Connects to a server.
    ///
    /// # Errors
    /// [`Trouble::Away`], [`Trouble::Refused`].
    pub fn connect(address: &Address) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Trouble::Away(format!("no connection can be made here: {error}")))?;
        let connected = runtime.block_on(async {
            let connecting = async {
                match address.tls().map_err(Trouble::Away)? {
                    None => {
                        let (client, connection) = address.config().connect(NoTls).await?;
                        tokio::spawn(connection);
                        Ok(client)
                    }
                    Some(tls) => {
                        let (client, connection) = address.config().connect(MakeRustlsConnect::new(tls)).await?;
                        tokio::spawn(connection);
                        Ok(client)
                    }
                }
            };
            tokio::time::timeout(ANSWERS_WITHIN, connecting).await
        });
        let client = connected.unwrap_or_else(|_| Err(Trouble::Mute(not_within(ANSWERS_WITHIN))))?;
        let mut session = Self { runtime, client, statements: HashMap::new(), within: ANSWERS_WITHIN };
        // The server's own bounds are a little tighter, so that it says what it waited for.
        session.batch(
            "SET statement_timeout = 4500; SET lock_timeout = 4000; SET idle_in_transaction_session_timeout = 60000;
             SET client_min_messages = warning; SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5;
             SET tcp_keepalives_count = 3;
             SELECT set_config('search_path', CASE
                 WHEN to_regclass('tokentap.meta') IS NULL OR has_table_privilege('tokentap.meta', 'SELECT')
                     THEN 'tokentap, pg_catalog'
                 ELSE 'tokentap_shown, tokentap, pg_catalog' END, false)",
        )?;
        Ok(session)
    }

    /// Waits so long for each answer from now on; the server has bounds of its own.
    pub fn within(&mut self, bound: Duration) {
        self.within = bound;
    }

    /// Waits as long as usual again.
    pub fn as_usual(&mut self) {
        self.within = ANSWERS_WITHIN;
    }

    fn run<T>(&self, call: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Trouble> {
        let answered = self.runtime.block_on(async { tokio::time::timeout(self.within, call).await });
        match answered {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Trouble::Mute(not_within(self.within))),
        }
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, Trouble> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.run(self.client.prepare(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn rows(&mut self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Trouble> {
        let statement = self.statement(sql)?;
        self.run(self.client.query(&statement, values))
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn first(&mut self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Trouble> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Carries out a statement; how many rows it touched.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn execute(&mut self, sql: &str, values: Values<'_>) -> Result<u64, Trouble> {
        let statement = self.statement(sql)?;
        self.run(self.client.execute(&statement, values))
    }

    /// Carries out statements without values.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn batch(&mut self, sql: &str) -> Result<(), Trouble> {
        self.run(self.client.batch_execute(sql))
    }
}

fn not_within(bound: Duration) -> String {
    format!("no answer within {} s", bound.as_secs())
}
