//! The page's files, which hold no data, and the headers of every reply of the board.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use runtime::Response;

/// What a browser may load, run and talk to: this server alone, and nothing that stands inside the page.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";

/// One of the page's files.
#[derive(Debug, Clone, Copy)]
struct File {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

/// Every file, by its last path segment; the shell itself is the empty one.
const FILES: [File; 14] = [
    File {
        name: "",
        content_type: "text/html; charset=utf-8",
        text: include_str!("../static/index.html"),
    },
    script("board.js", include_str!("../static/board.js")),
    script("rows.js", include_str!("../static/rows.js")),
    script("drawer.js", include_str!("../static/drawer.js")),
    script("contest.js", include_str!("../static/contest.js")),
    script("format.js", include_str!("../static/format.js")),
    script("stream.js", include_str!("../static/stream.js")),
    script("connection.js", include_str!("../static/connection.js")),
    script("sign-on.js", include_str!("../static/sign-on.js")),
    script("worker.js", include_str!("../static/worker.js")),
    script("columns.js", include_str!("../static/columns.js")),
    script("filters.js", include_str!("../static/filters.js")),
    File {
        name: "board.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../static/board.css"),
    },
    File {
        name: "icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("../static/icon.svg"),
    },
];

const fn script(name: &'static str, text: &'static str) -> File {
    File {
        name,
        content_type: "text/javascript; charset=utf-8",
        text,
    }
}

/// Returns one of the page's files, if there is one with this name.
pub(crate) fn file(name: &str) -> Option<Response> {
    let file = FILES.iter().find(|file| file.name == name)?;
    let mut response = Response::new(file.text.to_owned());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    // Asked for again each time, so that a page never mixes files of two releases.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

/// Adds the headers that every reply of the board has. `is_secure` says that the browser came by TLS.
pub(crate) fn secure(headers: &mut HeaderMap, is_secure: bool) {
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    if is_secure {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_nothing_that_its_policy_forbids() {
        for file in FILES {
            let text = file.text.to_ascii_lowercase();
            for forbidden in [
                "<script>",
                "style=",
                "onclick=",
                "javascript:",
                "http://",
                "https://",
                "innerhtml",
                "eval(",
            ] {
                let is_namespace = forbidden == "http://" && text.contains("http://www.w3.org/");
                assert!(
                    is_namespace || !text.contains(forbidden),
                    "{}: {forbidden}",
                    file.name
                );
            }
        }
    }

    #[test]
    fn every_file_that_the_page_names_is_served() {
        let html = file("").unwrap().into_body();
        for name in ["board.js", "board.css", "icon.svg"] {
            assert!(html.contains(&format!("/board/{name}")), "{name}");
        }
        for script in FILES.iter().filter(|file| file.name.ends_with(".js")) {
            for line in script.text.lines().filter(|line| line.contains(" from '")) {
                let (_, path) = line.split_once(" from './").unwrap();
                let name = path.trim_end_matches("';");
                assert!(file(name).is_some(), "{}: {name}", script.name);
            }
        }
        assert!(file("other.js").is_none());
    }
}
