//! JSON as exports have it: a name that stands twice is an error, and so is a number that is none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::column::{Column, Meaning, meaning_of};
use super::problem::{Fault, Problem};
use super::shown::shown;

/// JSON, or where it breaks.
///
/// # Errors
/// A [`Problem`] that never repeats a value.
pub fn parse_json(text: &str) -> Result<Value, Problem> {
    let read: Result<Once, serde_json::Error> = serde_json::from_str(text);
    read.map(|Once(value)| value).map_err(|error| {
        let what = match error.is_data() {
            true => "a name is there twice in one object",
            // serde_json's own message can repeat a value, so only its place is taken.
            false => "this is not valid JSON",
        };
        Problem::new(error.line() as u64, error.column() as u64, what, "was the file cut short or edited by hand?")
    })
}

/// A value in which no object has a name twice.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(value)) = from.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Once(value))) = from.next_entry::<String, Once>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

/// A whole number, also as text; nothing and null are none.
///
/// # Errors
/// A [`Fault`] for anything else.
pub fn number(value: Option<&Value>, what: &str) -> Result<Option<u64>, Fault> {
    let no_number = || Fault::new(format!("{what} is no whole number"), "export it again");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => Ok(Some(number)),
            (None, Some(float)) if float.fract() == 0.0 && (0.0..1e15).contains(&float) => {
                format!("{float:.0}").parse().map(Some).map_err(|_| no_number())
            }
            _ => Err(no_number()),
        },
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| no_number()),
        Some(_) => Err(no_number()),
    }
}

/// A text; nothing, null and an empty one are none.
///
/// # Errors
/// A [`Fault`] for anything else.
pub fn text<'a>(value: Option<&'a Value>, what: &str) -> Result<Option<&'a str>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(Fault::new(format!("{what} is no text"), "export it again")),
    }
}

/// A serial: text, or a whole number that was written without quotes.
///
/// # Errors
/// A [`Fault`] for anything else.
pub fn serial(value: Option<&Value>) -> Result<Option<String>, Fault> {
    match value {
        Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
        Some(Value::Number(_)) => {
            Err(Fault::new("the serial is a number with a fraction or an exponent", "write it as text"))
        }
        other => Ok(text(other, "the serial")?.map(str::to_owned)),
    }
}

/// Whether an object has no member, beside those that are read, whose name is one of what changes codes.
///
/// # Errors
/// A [`Fault`] that names it.
pub fn check_names(object: &Value, read: &[&str]) -> Result<(), Fault> {
    let is_other = |name: &&String| {
        !read.contains(&name.as_str())
            && matches!(
                meaning_of(name),
                Meaning::Is(Column::Hash | Column::Step | Column::Digits | Column::Counter | Column::Type)
                    | Meaning::OtherUnit(_)
            )
    };
    match object.as_object().and_then(|object| object.keys().find(is_other)) {
        None => Ok(()),
        Some(name) => Err(Fault::new(
            format!("\"{}\" is not known here, and may change the codes", shown(name)),
            "export it again",
        )),
    }
}
