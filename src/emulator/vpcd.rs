//! An emulated token as a card behind pcscd's virtual reader (vsmartcard's vpcd).
//!
//! The card connects to the reader's TCP port. Each message is a big-endian u16 length and that many bytes; messages of
//! one byte switch the card off (0) and on (1), reset it (2) or ask for its ATR (4), all others are APDUs.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::emulated::Emulated;
use super::link::EmulatedLink;
use crate::link::{Link, LinkFault};

/// How often it is looked whether to end.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why serving ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The reader closed the connection: the service stopped.
    ByReader,
    /// A fault made the token leave.
    Left,
}

/// Lays a token on the reader at `address`.
///
/// # Errors
/// When nothing listens there.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Serves until the connection ends. `after` is called after each command with the token as it is then.
///
/// Behind this reader a lost answer and a reset by another program look like a token that leaves.
///
/// # Errors
/// When the connection breaks, or when the token's state cannot be kept.
pub fn serve<C: Emulated>(
    token: &mut EmulatedLink<C>,
    mut stream: TcpStream,
    mut after: impl FnMut(&EmulatedLink<C>),
) -> io::Result<Ended> {
    while let Some(message) = receive(&mut stream)? {
        match message.as_slice() {
            // One that has left stays silent.
            [0..=2] => drop(token.reset()),
            [4] => send(&mut stream, C::ATR)?,
            command => match token.transmit(command) {
                Ok(reply) => {
                    send(&mut stream, &reply)?;
                    after(token);
                    if token.has_left() {
                        return Ok(Ended::Left);
                    }
                }
                Err(error) if error.fault == LinkFault::Other => return Err(io::Error::other(error)),
                Err(_) => return Ok(Ended::Left),
            },
        }
    }
    Ok(Ended::ByReader)
}

/// The next message; `None` at the end of the connection.
fn receive(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    match read(stream, &mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    read(stream, &mut message)?;
    Ok(Some(message))
}

fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    acknowledge_quickly(stream);
    stream.read_exact(buffer)
}

/// vpcd sends length and message apart; unless the first is acknowledged at once, the second waits 40 ms for that.
#[cfg(target_os = "linux")]
fn acknowledge_quickly(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_quickly(_: &TcpStream) {}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed)
}

/// Closes the connection when somebody asks for it, which ends the service to the reader.
pub fn close_when(stream: &TcpStream, asked: impl Fn() -> bool + Send + 'static) {
    let Ok(stream) = stream.try_clone() else { return };
    std::thread::spawn(move || {
        while !asked() {
            std::thread::sleep(LOOK_AGAIN);
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
}
