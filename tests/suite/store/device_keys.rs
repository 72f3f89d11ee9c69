//! The customer keys of devices, in every store.

use tokentap::inventory::{DeviceKey, Inventory};

use super::{at, fingerprint, in_every_store};

pub fn device_key(serial: &str, number: u8, ms: i64) -> DeviceKey {
    let sealed = Some(format!("sealed {number}").into_bytes());
    let (serial, key, number) = (serial.to_owned(), fingerprint(number), number.into());
    DeviceKey { serial, key, sealed, number, at: at(ms), proved: None, refused: None }
}

#[test]
fn the_keys_of_a_device_are_taken_in_the_place_of_those_before_and_no_other_device_s() {
    in_every_store(|store: &dyn Inventory| {
        assert_eq!(store.device_keys(None), Ok(Vec::new()));
        // The order is that of their numbers: the clock was set back.
        let (first, second) = (device_key("A", 1, 20), device_key("A", 2, 10));
        let other = DeviceKey { sealed: None, proved: Some(at(5)), refused: Some(at(6)), ..device_key("B", 1, 4) };
        store.put_device_keys("A", std::slice::from_ref(&first)).unwrap();
        store.put_device_keys("B", std::slice::from_ref(&other)).unwrap();
        store.put_device_keys("A", &[first.clone(), second.clone()]).unwrap();
        assert_eq!(store.device_keys(Some("A")), Ok(vec![second.clone(), first.clone()]), "the latest first");
        assert_eq!(store.device_keys(None).unwrap().len(), 3);
        let proved = DeviceKey { proved: Some(at(30)), ..second };
        store.put_device_keys("A", std::slice::from_ref(&proved)).unwrap();
        assert_eq!(store.device_keys(Some("A")), Ok(vec![proved]));
        store.put_device_keys("A", &[]).unwrap();
        assert_eq!(store.device_keys(None), Ok(vec![other]));
    });
}
