//! One exchange of SNTP (RFC 4330): a request of 48 bytes, and from the answer how far off this host is and how sure that is.

use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long one exchange may take.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// The length of a packet without extensions.
const PACKET: usize = 48;

/// Version 4, client (RFC 4330, section 4).
const CLIENT: u8 = 0x23;

/// From the beginning of NTP's seconds, 1900, to that of Unix's.
const UNIX_FROM_1900_S: f64 = 2_208_988_800.0;

/// NTP's seconds have 32 bits, and begin anew in 2036.
const ERA_S: f64 = 4_294_967_296.0;

/// The result of one exchange.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// True time minus the host's clock, in seconds.
    pub offset_s: f64,
    /// The time that the exchange itself took, in seconds.
    pub delay_s: f64,
    /// How far the server says that it may be from true time itself: its root dispersion and half of its root delay, in
    /// seconds (RFC 5905, section 11.1).
    pub root_distance_s: f64,
}

/// Asks a server once, at an address with a port.
///
/// # Errors
/// Why the answer is of no use, in words.
pub fn exchange(address: &str) -> Result<Exchange, String> {
    let server = address
        .to_socket_addrs()
        .map_err(|_| "its name is not known, or there is no network".to_owned())?
        .next()
        .ok_or_else(|| "its name has no address".to_owned())?;
    let local = if server.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(local).map_err(|error| format!("no socket: {error}"))?;
    ask(&socket, server)
}

fn ask(socket: &UdpSocket, server: SocketAddr) -> Result<Exchange, String> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            format!("no answer within {} s", ANSWER_WITHIN.as_secs_f64())
        }
        std::io::ErrorKind::ConnectionRefused => "no time service listens there".to_owned(),
        std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable => {
            "it cannot be reached from this network".to_owned()
        }
        _ => error.to_string(),
    };
    let mut request = [0; PACKET];
    request[0] = CLIENT;
    // What comes back in the answer tells that it is one to this request. It need not be the time, which is nobody's business.
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
    request[40..].copy_from_slice(&nonce);
    socket.connect(server).map_err(failed)?;
    let (sent, began) = (unix_now()?, Instant::now());
    socket.send(&request).map_err(failed)?;
    loop {
        let left = ANSWER_WITHIN.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left)).map_err(failed)?;
        let mut reply = [0; 512];
        let length = socket.recv(&mut reply).map_err(failed)?;
        let took_s = began.elapsed().as_secs_f64();
        let reply = reply.first_chunk().filter(|_| length >= PACKET).ok_or("its answer is too short for NTP")?;
        if reply[24..32] == nonce {
            return read(reply, sent, took_s);
        }
        if began.elapsed() >= ANSWER_WITHIN {
            return Err("its answer does not match the request".to_owned());
        }
    }
}

/// Reads an answer to a request that was sent at `sent` (Unix seconds by the host) and took `took_s`.
fn read(reply: &[u8; PACKET], sent: f64, took_s: f64) -> Result<Exchange, String> {
    let [leap, mode] = [reply[0] >> 6, reply[0] & 7];
    if mode != 4 {
        return Err("what it sends is no answer of an NTP server".to_owned());
    }
    match reply[1] {
        _ if leap == 3 => return Err("it says that its own clock is not synchronised".to_owned()),
        0 => {
            let code: String =
                reply[12..16].iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|b| *b as char).collect();
            return Err(format!("it refuses to answer ({code})"));
        }
        1..=15 => {}
        _ => return Err("it says that its own clock is not synchronised".to_owned()),
    }
    // A server that does not know the time itself may answer with zeros, and say that it is synchronised (RFC 4330, section 5:
    // to be discarded).
    if [&reply[32..40], &reply[40..48]].iter().any(|stamp| stamp.iter().all(|byte| *byte == 0)) {
        return Err("its timestamps are zero: it does not know the time itself".to_owned());
    }
    let (received, answered) = (unix(&reply[32..40]), unix(&reply[40..48]));
    let delay_s = took_s - (answered - received);
    // A delay below nothing, or longer than the exchange was allowed, is no delay. Stamps are rounded.
    if !(-1e-3..=ANSWER_WITHIN.as_secs_f64()).contains(&delay_s) || answered < received - 1e-3 {
        return Err("its timestamps contradict each other".to_owned());
    }
    let offset_s = f64::midpoint(received - sent, answered - (sent + took_s));
    let short = |bytes: &[u8]| f64::from(u32::from_be_bytes(bytes.try_into().unwrap_or_default())) / 65_536.0;
    let root_distance_s = short(&reply[4..8]) / 2.0 + short(&reply[8..12]);
    Ok(Exchange { offset_s, delay_s: delay_s.max(0.0), root_distance_s })
}

/// The Unix seconds of a timestamp: 32 bits of seconds since 1900, or since 2036 where the first bit is not set (RFC 4330, section
/// 3), and 32 bits of their fraction.
fn unix(stamp: &[u8]) -> f64 {
    let stamp = u64::from_be_bytes(stamp.try_into().unwrap_or_default());
    let since_1900 = stamp as f64 / ERA_S;
    let era = if stamp >> 63 == 1 { 0.0 } else { ERA_S };
    since_1900 + era - UNIX_FROM_1900_S
}

fn unix_now() -> Result<f64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "the host's clock is before 1970".to_owned())?;
    Ok(now.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: f64 = 1_795_454_228.25;

    /// An answer 20 ms after the request, of a server `offset_s` ahead, stratum 2, root delay 0.1 s, root dispersion 0.05 s.
    fn answer(offset_s: f64) -> [u8; PACKET] {
        let stamp = |unix: f64| (((unix + UNIX_FROM_1900_S).rem_euclid(ERA_S) * ERA_S) as u64).to_be_bytes();
        let mut packet = [0; PACKET];
        packet[..4].copy_from_slice(&[0x24, 2, 6, 0xEC]);
        packet[4..8].copy_from_slice(&6554_u32.to_be_bytes());
        packet[8..12].copy_from_slice(&3277_u32.to_be_bytes());
        packet[32..40].copy_from_slice(&stamp(SENT + offset_s + 0.01));
        packet[40..48].copy_from_slice(&stamp(SENT + offset_s + 0.011));
        packet
    }

    #[test]
    fn an_answer_says_the_offset_the_delay_and_what_the_server_itself_may_be_off() {
        // Also beyond 2036, where NTP's seconds begin anew.
        for offset_s in [0.0, 5.0, -97.25, 3600.0, 3.2e8] {
            let read = read(&answer(offset_s), SENT, 0.021).unwrap();
            assert!((read.offset_s - offset_s).abs() < 1e-3, "{offset_s}: {read:?}");
            assert!((read.delay_s - 0.02).abs() < 1e-3, "{read:?}");
            assert!((read.root_distance_s - 0.1).abs() < 1e-3, "{read:?}");
        }
    }

    #[test]
    fn what_a_server_does_not_know_itself_is_no_answer() {
        let changed = |change: fn(&mut [u8; PACKET])| {
            let mut packet = answer(0.0);
            change(&mut packet);
            read(&packet, SENT, 0.021).unwrap_err()
        };
        assert!(changed(|packet| packet[0] |= 0xC0).contains("not synchronised"));
        assert!(changed(|packet| packet[1] = 16).contains("not synchronised"));
        assert!(changed(|packet| packet[1] = 0).contains("refuses"));
        assert!(changed(|packet| packet[0] = 0x23).contains("no answer of an NTP server"));
        assert!(changed(|packet| packet[40..].fill(0)).contains("does not know the time itself"));
        assert!(changed(|packet| packet[32] ^= 0x40).contains("contradict"));
    }
}
