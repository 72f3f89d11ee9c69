//! One transaction, whose fate can be asked for where its commit was not answered: it leaves its number in the row that its program
//! has for that. The server's own number of it would not do: after a crash the server gives it to another one.

use tokio_postgres::error::SqlState;

use super::session::{Session, Trouble};

/// How a transaction ended.
pub enum Ended<T> {
    /// All of it is kept.
    Kept(T),
    /// Nothing of it is kept.
    Not(Trouble),
    /// Its commit was sent and not answered: the transaction's number, and what it would have returned.
    Unanswered(i64, T),
}

/// Makes a row for the numbers of a program's transactions, and removes those of programs that ended long ago.
pub fn mark(session: &mut Session, program: i32) -> Result<(), Trouble> {
    // Whatever is durable afterwards makes this so, too.
    session.batch(&format!(
        "BEGIN; SET LOCAL synchronous_commit = off;
         DELETE FROM marks WHERE at < clock_timestamp() - interval '1 day' AND program <> {program} AND NOT is_running(program);
         INSERT INTO marks (program, number) VALUES ({program}, 0) ON CONFLICT DO NOTHING; COMMIT"
    ))
}

/// Whether the transaction of a number is kept. Waits until the server has ended it, if it is not over yet.
pub fn is_kept(session: &mut Session, program: i32, number: i64) -> Result<bool, Trouble> {
    let found = session.first("SELECT number FROM marks WHERE program = $1 FOR UPDATE", &[&program])?;
    Ok(found.map(|row| row.try_get::<_, i64>("number")).transpose()? == Some(number))
}

/// Runs `body` in one transaction of a program.
pub fn transaction<T>(
    session: &mut Session,
    program: i32,
    is_durable: bool,
    body: &mut dyn FnMut(&mut Session) -> Result<T, Trouble>,
) -> Ended<T> {
    let number = match begin(session, program, is_durable) {
        Ok(number) => number,
        Err(trouble) => return Ended::Not(trouble),
    };
    match body(session) {
        Ok(done) => match session.batch("COMMIT") {
            Ok(()) => Ended::Kept(done),
            // What is not durable is not asked for: it is made again, or kept later, and told by its job.
            Err(trouble) => match number.filter(|_| trouble.is_away()) {
                Some(number) => Ended::Unanswered(number, done),
                None => Ended::Not(trouble),
            },
        },
        Err(trouble) if trouble.is_away() => Ended::Not(trouble),
        Err(trouble) => match session.batch("ROLLBACK") {
            Ok(()) => Ended::Not(trouble),
            Err(away) => Ended::Not(match trouble {
                Trouble::Rows(_) => trouble,
                _ => away,
            }),
        },
    }
}

/// Begins a transaction; one that is durable has a number by which its fate can be asked for later.
fn begin(session: &mut Session, program: i32, is_durable: bool) -> Result<Option<i64>, Trouble> {
    if !is_durable {
        session.batch("BEGIN; SET LOCAL synchronous_commit = off")?;
        return Ok(None);
    }
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Trouble::Odd(format!("no number can be drawn here: {error}")))?;
    let number = i64::from_be_bytes(bytes);
    session.batch(&format!(
        "BEGIN; UPDATE marks SET number = {number}, at = clock_timestamp() WHERE program = {program}"
    ))?;
    Ok(Some(number))
}

/// Whether another desk's transaction crossed this one, so that it is begun again.
pub fn is_crossed(trouble: &Trouble) -> bool {
    let crossed = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE, SqlState::UNIQUE_VIOLATION];
    matches!(trouble, Trouble::Refused(refused) if crossed.contains(refused.code()))
}
