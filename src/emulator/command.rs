//! Commands and replies as every emulated device has them: the body, the status words, the challenge.

/// Status words, as the device sends them.
pub(super) mod sw {
    pub const DONE: u16 = 0x9000;
    pub const WRONG_LENGTH: u16 = 0x6700;
    pub const BLOCKED: u16 = 0x6983;
    pub const WRONG_DATA: u16 = 0x6A80;
    pub const NO_INSTRUCTION: u16 = 0x6D00;
    pub const NO_CLASS: u16 = 0x6E00;
}

/// The body behind a header: nothing, an Le, or Lc and body with or without an Le behind them.
pub(super) fn body(rest: &[u8]) -> Result<&[u8], u16> {
    match rest {
        [] | [_] => (rest.is_empty() || rest == [0]).then_some(&[][..]).ok_or(sw::WRONG_LENGTH),
        [lc, body @ ..] => {
            let length = usize::from(*lc);
            if body.len() == length || body.len() == length + 1 { body.get(..length) } else { None }
                .ok_or(sw::WRONG_LENGTH)
        }
    }
}

/// A reply: the data and 9000, or a status word.
pub(super) fn reply(done: Result<Vec<u8>, u16>) -> Vec<u8> {
    let (mut reply, status) = match done {
        Ok(data) => (data, sw::DONE),
        Err(status) => (Vec::new(), status),
    };
    reply.extend_from_slice(&status.to_be_bytes());
    reply
}

/// A challenge need only differ each time; without a generator the clock serves.
pub(super) fn challenge(true_time_ns: i64) -> [u8; 8] {
    let mut challenge = [0; 8];
    if getrandom::fill(&mut challenge).is_err() {
        challenge = true_time_ns.to_be_bytes();
    }
    challenge
}
