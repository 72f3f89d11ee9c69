//! The vendor's own client for Duo's Admin API works at the stand-in, so what holds there holds for what it speaks.
//! `scripts/prepare --tests` installs it; where it cannot be had, the test says so and compares nothing.

use std::process::Command;

use serde_json::Value;

use super::duo_stand_in::{Duo, INTEGRATION_KEY, SECRET_KEY, hotp};
use super::stand_in::{Fault, StandIn};
use crate::support::{not_run, target_folder, text};

/// What a client does with every call that the program makes, too, and what came of each.
const CLIENT: &str = "
import json, sys, duo_client
port, version, ikey, skey = sys.argv[1:5]
admin = duo_client.Admin(ikey, skey, '127.0.0.1', ca_certs='HTTP', port=int(port), sig_version=int(version), paging_limit=2)
said = {}
said['users'] = [user['username'] for user in admin.get_users()]
ana = admin.get_users_by_name('ana')[0]['user_id']
said['by address'] = [user['username'] for user in admin.get_user_by_email('eva@example.org')] 
made = admin.add_totp6_token('A 1&~é', '00' * 20, totp_step=60)
for number in range(4):
    admin.add_totp6_token('B%d' % number, '%02x' % number * 20)
counter = admin.add_hotp6_token('C', '31' * 20, counter=5)
said['tokens'] = [token['serial'] for token in admin.get_tokens()]
said['first page'] = [token['serial'] for token in admin.get_tokens(limit=3)]
said['found'] = [token['token_id'] == made['token_id'] for token in admin.get_tokens_by_serial('t6', 'A 1&~é')]
said['step'] = admin.get_token_by_id(made['token_id'])['totp_step']
admin.add_user_token(ana, made['token_id'])
said['whose'] = [user['username'] for user in admin.get_token_by_id(made['token_id'])['users']]
admin.resync_hotp_token(counter['token_id'], *sys.argv[5:8])
admin.delete_token(made['token_id'])
said['left'] = len(admin.get_tokens())
for name, call in [
    ('space', lambda: admin.add_totp6_token('D', '00 11')),
    ('twice', lambda: admin.add_totp6_token('B1', '00' * 20)),
    ('absent', lambda: admin.get_token_by_id('DHX')),
    ('codes', lambda: admin.resync_hotp_token(counter['token_id'], '000000', '000000', '000000')),
]:
    try:
        call()
        said[name] = None
    except RuntimeError as error:
        said[name] = error.status
print(json.dumps(said))
";

/// What the vendor's client has to say; `None` where it is not installed.
fn client(server: &StandIn<Duo>, version: &str, secret_key: &str) -> Option<Result<Value, String>> {
    let python = target_folder().join("tools/duo/bin/python");
    let is_there = Command::new(&python).args(["-c", "import duo_client"]).output().is_ok_and(|it| it.status.success());
    if !is_there {
        not_run("Duo's client is not installed (scripts/prepare --tests)");
        return None;
    }
    let codes = [7, 8, 9].map(|counter| hotp(&[0x31; 20], counter, 6));
    let mut command = Command::new(python);
    command.args(["-c", CLIENT, &server.port.to_string(), version, INTEGRATION_KEY, secret_key]).args(codes);
    let output = command.output().unwrap();
    Some(match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(text(&output)),
    })
}

#[test]
fn the_vendor_s_client_works_at_the_stand_in_by_both_signatures() {
    for version in ["5", "2"] {
        let server = Duo::start(&["ana", "eva", "kim"]);
        // The vendor's client waits for this, too.
        server.lay("POST /admin/v1/tokens", Fault::Busy(None), 1);
        let Some(said) = client(&server, version, SECRET_KEY) else { return };
        let expected = serde_json::json!({
            "users": ["ana", "eva", "kim"], "by address": ["eva"],
            "tokens": ["A 1&~é", "B0", "B1", "B2", "B3", "C"], "first page": ["A 1&~é", "B0", "B1"],
            "found": [true], "step": 60, "whose": ["ana"], "left": 5,
            "space": 400, "twice": 400, "absent": 404, "codes": 400,
        });
        assert_eq!(said, Ok(expected), "version {version}");
        assert!(server.has_met_all());
        assert!(server.now().versions.iter().all(|seen| seen.to_string() == version));
        assert_eq!(server.now().of_serial("C")[0].counter, 10);
    }
}

#[test]
fn the_stand_in_lets_the_vendor_s_client_in_with_no_other_key_and_at_no_other_time() {
    let server = Duo::start(&["ana"]);
    let Some(said) = client(&server, "5", "another key") else { return };
    assert!(said.unwrap_err().contains("Invalid signature"));
    for offset_s in [-310, 310] {
        server.now().clock_offset_s = offset_s;
        let said = client(&server, "5", SECRET_KEY).unwrap().unwrap_err();
        assert!(said.contains("Bad request timestamp"), "{said}");
    }
    server.now().clock_offset_s = 290;
    assert!(client(&server, "5", SECRET_KEY).unwrap().is_ok());
}
