//! Files that are no seed file but hold one: encrypted, packed, or in another program's form. Each is named, with the command that
//! opens it.

use super::remedy::FileRemedy;

const fn words(text: &'static str) -> FileRemedy {
    FileRemedy::words(text)
}

/// A kind of file, and what opens it.
type Named = (&'static str, FileRemedy);

const OPENPGP: Named = ("the file is encrypted or signed with OpenPGP", FileRemedy::DecryptOpenPgp);
const PICTURE: Named = ("the file is a picture", FileRemedy::AsPicture);

/// The kind of a file by the marks at its beginning.
const MARKS: &[(&[u8], Named)] = &[
    (b"age-encryption.org/", ("the file is encrypted with age", FileRemedy::DecryptAge)),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", ("the file is encrypted with age", FileRemedy::DecryptAge)),
    (
        b"-----BEGIN PGP PUBLIC KEY",
        ("the file is a public key of OpenPGP, and holds no seeds", words("name the file with the seeds")),
    ),
    (
        b"-----BEGIN PGP SIGNATURE",
        ("the file is a signature of OpenPGP, and holds no seeds", words("name the file that it belongs to")),
    ),
    (b"-----BEGIN PGP ", OPENPGP),
    (
        b"Salted__",
        (
            "the file is encrypted with openssl",
            words("decrypt it first: openssl enc -d -in FILE -out seeds.txt, with the cipher that was used"),
        ),
    ),
    (b"MSCF", ("the file is a CAB archive", words("unpack it first: cabextract FILE"))),
    (b"$ANSIBLE_VAULT", ("the file is encrypted with Ansible", words("decrypt it first: ansible-vault decrypt FILE"))),
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        (
            "the file is an old Office file (Excel, Word or Outlook)",
            words("open it, and save the table as CSV, with the serials as text"),
        ),
    ),
    (
        b"7z\xBC\xAF\x27\x1C",
        ("the file is a 7z archive", words("unpack it first: 7z x FILE (it asks for the password)")),
    ),
    (b"Rar!\x1A\x07", ("the file is a RAR archive", words("unpack it first: unrar x FILE (it asks for the password)"))),
    (
        b"\x03\xD9\xA2\x9A",
        ("the file is a KeePass database", words("export the entries from it: KeePassXC, Database, Export, CSV file")),
    ),
    (b"\x1F\x8B", ("the file is packed with gzip", words("unpack it first: gunzip FILE"))),
    (b"BZh", ("the file is packed with bzip2", words("unpack it first: bunzip2 FILE"))),
    (b"\xFD7zXZ\x00", ("the file is packed with xz", words("unpack it first: unxz FILE"))),
    (b"\x28\xB5\x2F\xFD", ("the file is packed with zstd", words("unpack it first: unzstd FILE"))),
    (b"%PDF", ("the file is a PDF", words("ask for the seeds as a text file"))),
    (b"{\\rtf", ("the file is a document (RTF)", words("open it, and save it as plain text"))),
    (
        b"-----BEGIN PKCS7-----",
        (
            "the file is encrypted or signed (S/MIME)",
            words("open it first: openssl cms -decrypt -inform PEM -in FILE -inkey KEY"),
        ),
    ),
    (b"SQLite format 3\0", ("the file is a database", words("export the seeds from the program that made it"))),
    (b"AUTHENTICATORPRO", ("the file is an encrypted backup of Stratum", words("make a backup without a password"))),
    (
        b"gAAAAA",
        (
            "the file is encrypted (Fernet), as privacyIDEA exports tokens",
            words("export them as PSKC, CSV or YAML instead"),
        ),
    ),
    (b"\x89PNG", PICTURE),
    (b"\xFF\xD8\xFF", PICTURE),
    (b"GIF8", PICTURE),
    (b"BM", PICTURE),
];

/// The kind of a file that is no text of seeds, and the remedy.
#[must_use]
pub fn wrapping(start: &[u8]) -> Option<Named> {
    let begins = |mark: &[u8]| start.starts_with(mark);
    if begins(b"PK\x03\x04") {
        return Some(archive(start));
    }
    if begins(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
        return Some(PICTURE);
    }
    if start.get(257..262) == Some(b"ustar") {
        return Some(("the file is a tar archive", words("unpack it first: tar xf FILE")));
    }
    if start.get(4..8) == Some(b"ftyp") {
        return Some(("the file is a picture or video of a telephone", FileRemedy::ConvertPicture));
    }
    let text = start.trim_ascii_start();
    let is_text = std::str::from_utf8(start).is_ok();
    let is_bitmap = begins(b"BM") && is_text;
    let known = MARKS.iter().find(|(mark, _)| text.starts_with(mark) || begins(mark)).filter(|_| !is_bitmap);
    if let Some((_, named)) = known {
        return Some(named.clone());
    }
    if contains(text.get(..300).unwrap_or(text), b"<svg") {
        return Some(("the file is a picture (SVG)", FileRemedy::Screenshot));
    }
    if is_mail(text) {
        return Some(("the file is an e-mail", words("save its attachment, or its text alone, as a file")));
    }
    if !is_text && contains(start.get(..64).unwrap_or(start), &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]) {
        let next = "open it first: openssl cms -decrypt -inform DER -in FILE -inkey KEY";
        return Some(("the file is encrypted or signed (S/MIME)", words(next)));
    }
    (!is_text && is_openpgp(start)).then_some(OPENPGP)
}

/// A zip archive, with or without a password, and the workbooks that are ones inside.
fn archive(start: &[u8]) -> Named {
    // The flags of the first file: bit 0 says that it is encrypted (APPNOTE.TXT, section 4.4.4).
    let is_encrypted = start.get(6).is_some_and(|flags| flags & 1 == 1);
    if contains(start, b"word/") {
        return ("the file is a Word document", words("open it, and save the table as CSV, with the serials as text"));
    }
    if contains(start, b"xl/") || contains(start, b"[Content_Types].xml") {
        return ("the file is an Excel workbook", words("open it, and save it as CSV, with the serials as text"));
    }
    if contains(start, b"opendocument.spreadsheet") {
        return ("the file is a spreadsheet", words("open it, and save it as CSV, with the serials as text"));
    }
    match is_encrypted {
        true => (
            "the file is a zip archive with a password",
            words("unpack it first: 7z x FILE (it asks for the password)"),
        ),
        false => ("the file is a zip archive", words("unpack it first: unzip FILE")),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Whether a text begins with the headers of an e-mail (RFC 5322, section 2.2).
fn is_mail(text: &[u8]) -> bool {
    const HEADERS: [&str; 9] = [
        "content-type:",
        "from:",
        "received:",
        "return-path:",
        "mime-version:",
        "delivered-to:",
        "message-id:",
        "subject:",
        "date:",
    ];
    let Ok(text) = std::str::from_utf8(text.get(..512).unwrap_or(text)) else { return false };
    let lines = text.lines().take(6).filter(|line| {
        let line = line.to_ascii_lowercase();
        HEADERS.iter().any(|header| line.starts_with(header))
    });
    lines.count() >= 2
}

/// Whether bytes begin with a packet of OpenPGP that a message begins with (RFC 9580, section 4.2): an encrypted session key,
/// encrypted or compressed data, a signature.
fn is_openpgp(start: &[u8]) -> bool {
    let Some(first) = start.first() else { return false };
    let tag = match first {
        0xC0.. => first & 0x3F,
        0x80..=0xBF => (first >> 2) & 0x0F,
        _ => return false,
    };
    matches!(tag, 1 | 2 | 3 | 4 | 8 | 9 | 18 | 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_none_of_them() {
        for text in
            ["serial,secret\n", "86596120001201 ASQ6", "BM1,ASQ6", "{\"a\":1}", "<KeyContainer/>", "Date,Serial\n"]
        {
            assert_eq!(wrapping(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_seeds_come_in_is_named_with_what_opens_it() {
        for (start, word) in [
            (&b"PK\x03\x04\x14\0\x01\0"[..], "password"),
            (b"PK\x03\x04\x14\0\0\0", "unzip"),
            (b"\x85\x01\x0C\x03", "DecryptOpenPgp"),
            (b"-----BEGIN PGP SIGNED MESSAGE-----", "DecryptOpenPgp"),
            (b"From: a@example.org\nSubject: seeds\n\nserial,secret", "attachment"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\">", "Screenshot"),
        ] {
            let (what, next) = wrapping(start).unwrap();
            assert!(what.contains(word) || format!("{next:?}").contains(word), "{what}: {next:?}");
        }
    }
}
