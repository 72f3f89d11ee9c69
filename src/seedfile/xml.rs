//! As much XML as PSKC needs: elements by their local names. No DTD, no entities of a file's own, no deep nesting.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zeroize::Zeroizing;

use super::problem::Problem;

/// How deep elements may be nested. PSKC needs nine.
const MAX_DEPTH: usize = 10;

/// An element: its local name, attributes, text, and children.
#[derive(Debug, Default)]
pub struct Element {
    /// The name without its prefix.
    pub name: String,
    /// Attributes by local name.
    pub attributes: Vec<(String, String)>,
    /// The text directly in it.
    pub text: Zeroizing<String>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The line on which it begins.
    pub line: u64,
}

impl Element {
    /// Whether it has this name. Case makes no difference: privacyIDEA exports all names in lower case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    /// The first name of these that more than one child has.
    #[must_use]
    pub fn twice<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.children.iter().filter(|child| child.is(name)).nth(1).is_some())
    }

    /// The first child that has none of these names.
    #[must_use]
    pub fn other_than(&self, names: &[&str]) -> Option<&Self> {
        self.children.iter().find(|child| !names.iter().any(|name| child.is(name)))
    }

    /// The first child of any of these names.
    #[must_use]
    pub fn any(&self, names: &[&str]) -> Option<&Self> {
        names.iter().find_map(|name| self.child(name))
    }

    /// All children of a name.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// The first element of a name anywhere in this one.
    #[must_use]
    pub fn descendant(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.is(name) { Some(child) } else { child.descendant(name) })
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The text without any white space, as base64 wants it.
    #[must_use]
    pub fn compact_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.text.split_whitespace().collect())
    }
}

/// Reads a document.
///
/// # Errors
/// A [`Problem`] with its line: broken XML, a DTD, an entity of the file's own, nesting that no key container has.
pub fn parse(text: &str) -> Result<Element, Problem> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = vec![Element::default()];
    let mut lines = Lines { text, counted: 0, line: 1 };
    loop {
        let line = lines.at(reader.buffer_position());
        let broken = |what: &str| Problem::new(line, 0, what.to_owned(), "was the file cut short or edited by hand?");
        match reader.read_event().map_err(|_| broken("this is not well-formed XML"))? {
            Event::DocType(_) => {
                return Err(Problem::new(
                    line,
                    0,
                    "the file has a DTD, which is never needed and can be an attack",
                    "remove it",
                ));
            }
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten().or_else(|| predefined(&reference));
                let Some(character) = character else {
                    return Err(Problem::new(
                        line,
                        0,
                        "the file uses an entity that XML does not define",
                        "write it out",
                    ));
                };
                if let Some(element) = open.last_mut() {
                    element.text.push(character);
                }
            }
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(Problem::new(
                        line,
                        0,
                        format!("elements are nested deeper than {MAX_DEPTH}"),
                        "is this PSKC?",
                    ));
                }
                open.push(element(&start, line).ok_or_else(|| broken("an attribute is broken"))?);
            }
            Event::End(_) => {
                // The reader has checked that names match; the document itself is never closed.
                if let (Some(done), Some(parent)) = (open.pop(), open.last_mut()) {
                    parent.children.push(done);
                }
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            Event::CData(data) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&data);
                }
            }
            Event::Eof => {
                if open.len() > 1 {
                    return Err(broken("the file ends in the middle of an element"));
                }
                let mut roots = open.pop().map(|document| document.children).unwrap_or_default();
                return match (roots.pop(), roots.len()) {
                    (Some(root), 0) => Ok(root),
                    (Some(second), _) => Err(Problem::new(
                        second.line,
                        0,
                        "a second document begins here",
                        "put each into a file of its own",
                    )),
                    (None, _) => Err(broken("there is no element")),
                };
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

fn element(start: &BytesStart<'_>, line: u64) -> Option<Element> {
    let name = start.local_name().as_ref().to_owned();
    let mut element = Element { name, line, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        // Name spaces and XML's own say nothing of a key.
        let name: &str = attribute.key.as_ref();
        if name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xml:") {
            continue;
        }
        let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
        element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
    }
    Some(element)
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

/// A text for an element or attribute.
#[must_use]
pub fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// Lines, counted as far as the reader has come.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    fn at(&mut self, position: u64) -> u64 {
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        let passed = self.text.as_bytes().get(self.counted..position).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = self.counted.max(position);
        self.line
    }
}
