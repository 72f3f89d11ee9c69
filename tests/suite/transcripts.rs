//! What the program prints, command by command: `tests/cmd` is the specification of the command line.

#[test]
fn the_command_line_prints_what_its_transcripts_say() {
    make_private(std::path::Path::new("tests/cmd"));
    let cases = trycmd::TestCases::new();
    cases.env("TZ", "UTC").env("COLUMNS", "100").env("TOKENTAP_INVENTORY", "none").default_bin_name("tokentap");
    // The program for another system, with both of its outputs in one (scripts/windows).
    if let Some(program) = std::env::var_os("TOKENTAP_TEST_TRANSCRIBED") {
        cases.register_bin("tokentap", std::path::PathBuf::from(program));
    }
    cases.case("tests/cmd/*.trycmd").run();
}

/// Files with secrets are for their owner only, as users are told to have them; a checkout makes them as it likes.
fn make_private(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            make_private(&path);
        } else {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}
