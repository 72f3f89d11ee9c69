//! Microsoft's own client for signing in works at the stand-in, by a secret and by a person's code, and its tickets are good for what
//! the program asks there. `scripts/prepare --tests` installs it; where it cannot be had, the test says so and compares nothing.

use std::process::Command;

use serde_json::{Value, json};

use super::entra_stand_in::{CLIENT, CLIENT_SECRET, Entra, TENANT};
use super::stand_in::StandIn;
use crate::certificate::tls;
use crate::support::{not_run, target_folder, text};

/// Signs in as the program does in each of its two ways, and with what is wrong; then looks at the tokens and users with each ticket.
const SCRIPT: &str = "
import json, sys, msal, requests
base, tenant, client, secret, authority = sys.argv[1:6]
at = dict(authority=base + '/' + tenant, instance_discovery=False, verify=authority, timeout=30)
said = {}
def look(name, ticket):
    head = {'Authorization': 'Bearer ' + ticket}
    devices = requests.get(base + '/beta/directory/authenticationMethodDevices/hardwareOathDevices', headers=head, verify=authority, timeout=30)
    user = requests.get(base + '/beta/users/ana@example.org', headers=head, verify=authority, timeout=30)
    said[name] = [devices.status_code, [it['serialNumber'] for it in devices.json()['value']], user.json()['userPrincipalName']]
app = msal.ConfidentialClientApplication(client, client_credential=secret, **at)
look('secret', app.acquire_token_for_client([base + '/.default'])['access_token'])
wrong = msal.ConfidentialClientApplication(client, client_credential='wrong', **at)
said['wrong'] = wrong.acquire_token_for_client([base + '/.default'])['error']
person = msal.PublicClientApplication(client, **at)
flow = person.initiate_device_flow([base + '/UserAuthenticationMethod.ReadWrite.All'])
said['code'] = flow['user_code']
look('person', person.acquire_token_by_device_flow(flow)['access_token'])
said['forged'] = requests.get(base + '/beta/users/ana@example.org', headers={'Authorization': 'Bearer forged'}, verify=authority, timeout=30).status_code
print(json.dumps(said))
";

/// What Microsoft's client has to say; `None` where it is not installed.
fn client(server: &StandIn<Entra>, authority: &str) -> Option<Result<Value, String>> {
    let python = target_folder().join("tools/msal/bin/python");
    let is_there = Command::new(&python).args(["-c", "import msal"]).output().is_ok_and(|it| it.status.success());
    if !is_there {
        not_run("Microsoft's client is not installed (scripts/prepare --tests)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let base = format!("https://localhost:{}", server.port);
    let mut command = Command::new(python);
    // The client would take what this computer trusts, and its proxy, before what it is told to.
    command.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE");
    command.env("NO_PROXY", "localhost").env("no_proxy", "localhost");
    let output = command.args(["-c", SCRIPT, &base, TENANT, CLIENT, CLIENT_SECRET]).arg(file).output().unwrap();
    Some(match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(text(&output)),
    })
}

#[test]
fn microsoft_s_client_signs_in_at_the_stand_in_in_both_ways_and_its_tickets_open_what_the_program_asks_for() {
    let (config, authority) = tls("localhost", -60..30);
    let server =
        StandIn::start_with(|port| Entra::of(&format!("https://localhost:{port}"), &["ana", "eva"]), Some(config));
    server.now().put("A1", &[0x31; 20]);
    // It goes on asking until the person has typed the code.
    server.now().pending = 2;
    let Some(said) = client(&server, &authority) else { return };
    let seen = json!([200, ["A1"], "ana@example.org"]);
    let expected =
        json!({ "secret": seen, "person": seen, "wrong": "invalid_client", "code": "GTHKQZ7KJ", "forged": 401 });
    assert_eq!(said, Ok(expected));
    assert_eq!(server.now().pending, 0);
}
