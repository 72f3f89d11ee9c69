//! BER-TLV with one-byte tags and one-byte lengths (ISO/IEC 7816-4, section 5.2.2): all that the config needs.

/// Appends one element; `value` has at most 127 bytes, what is longer is cut off.
pub fn append(to: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let value = value.get(..0x7F).unwrap_or(value);
    to.push(tag);
    to.push(value.len() as u8);
    to.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_tag_length_value() {
        let mut bytes = Vec::new();
        append(&mut bytes, 0x0F, &[1, 2, 3, 4]);
        append(&mut bytes, 0x86, &[]);
        assert_eq!(bytes, [0x0F, 4, 1, 2, 3, 4, 0x86, 0]);
    }
}
