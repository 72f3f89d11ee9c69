//! How a FIDO2 key types: what was written is read back, where the key says so.

use serde_json::Value;

use crate::support::run_in;

#[test]
fn what_a_key_was_told_about_its_typing_is_read_back_also_where_it_left_and_came_back() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run_in(folder.path(), args);
    assert_eq!(run(&["emulate", "--create", "--family", "hotp-key", "--state", "key.json"]).0, 0);
    let on = ["--json", "--reader", "emulated:key.json"];
    let options = |args: &[&str]| {
        let (exit, said) = run(&[&["slot", "options"], args, &on[..]].concat());
        assert_eq!(exit, 0, "{said}");
        let report = said.lines().find(|line| line.starts_with('{')).unwrap();
        serde_json::from_str::<Value>(report).unwrap()["typing"].clone()
    };
    let shown = options(&["--enter", "no", "--touch", "long"]);
    assert_eq!((&shown["enter"], &shown["long_touch"]), (&false.into(), &true.into()));
    assert_eq!(options(&["--keyboard", "no"])["keyboard"], false);
    assert_eq!(options(&["--keyboard", "yes"])["keyboard"], true);
}
