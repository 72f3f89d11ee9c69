//! What the program prints, command by command: `tests/cmd` is the specification of the command line.

#[test]
fn the_command_line_prints_what_its_transcripts_say() {
    trycmd::TestCases::new()
        .env("TZ", "UTC")
        .env("COLUMNS", "100")
        .env("TOKENTAP_INVENTORY", "none")
        .default_bin_name("tokentap")
        .case("tests/cmd/*.trycmd")
        .run();
}
