//! Signatures for Duo's Admin API are those of the vendor's own tests, and of an independent implementation (`tests/data/duo.json`).

use serde_json::Value;
use tokentap::server::{Signed, signature};

use crate::support::data;

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

#[test]
fn signatures_are_those_of_the_known_answers() {
    let answers: Value = serde_json::from_slice(&std::fs::read(data("duo.json")).unwrap()).unwrap();
    let vectors = answers["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 4);
    for vector in vectors {
        let pairs = vector["params"].as_array().unwrap();
        let parameters: Vec<(&str, &str)> =
            pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
        let headers: Vec<(&str, &str)> = match vector["headers"].as_object() {
            Some(headers) => headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect(),
            None => Vec::new(),
        };
        let body = (vector["version"] == 5).then(|| (text(vector, "body"), headers.as_slice()));
        let mut signed = Signed {
            date: text(vector, "date"),
            method: text(vector, "method"),
            host: text(vector, "host"),
            path: text(vector, "path"),
            parameters: &parameters,
            body,
        };
        assert_eq!(signature(&signed, text(&answers, "skey")), text(vector, "hmac"), "{vector}");
        // In whatever order they are given.
        let mut reversed = parameters.clone();
        reversed.reverse();
        signed.parameters = &reversed;
        assert_eq!(signature(&signed, text(&answers, "skey")), text(vector, "hmac"), "{vector}");
    }
}
