//! The page: one page, one script, one style sheet, compiled in.

/// A part of the page: its path, its type, its text.
pub type Part = (&'static str, &'static str, &'static str);

/// The script: what its files say, one behind the other.
const SCRIPT: &str = concat!(include_str!("page/token.js"), include_str!("page/batch.js"), include_str!("page/app.js"));

/// All parts.
pub const PARTS: [Part; 4] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", SCRIPT),
    ("/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// The headers of every answer: nothing is loaded from elsewhere, nobody frames the page, no form leaves it, nothing is kept.
pub const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; \
         form-action 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), usb=(), clipboard-read=()"),
];
