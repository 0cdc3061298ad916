//! Finds the parameters of a request: which of its bytes are read, and in which format.
//!
//! A body that is JSON is read as JSON, whatever its content type; a form is read by its content type.
//! Signatures get the parameters of a body or a query as pairs that no reader can confuse with one another.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::form::{self, Array, Pair, TooMuch, Value};
use super::json::{self, BadJson};
use super::request::Request;

/// The parameters of one part of a request.
#[derive(Debug)]
pub enum Parameters<'a> {
    /// A form or a query.
    Form(Array),
    /// JSON: a request's body, or the claims of a token.
    Json(Cow<'a, [u8]>),
}

impl Parameters<'_> {
    /// Returns the value of a top-level parameter that is no array and no object.
    pub fn field(&self, name: &[u8]) -> Option<Vec<u8>> {
        match self {
            Parameters::Form(array) => match array.get(name)? {
                Value::Scalar(bytes) => Some(bytes.to_vec()),
                Value::Array(_) => None,
            },
            Parameters::Json(text) => json::parse(text).ok()?.child(name)?.scalar(),
        }
    }
}

/// Returns the parameters of a query.
pub fn query<'a>(request: &Request<'_>) -> Result<Parameters<'a>, TooMuch> {
    Ok(Parameters::Form(form::parse_urlencoded(request.query())?))
}

/// Returns the parameters of a body. A GET has none, whatever it carries.
pub fn body<'a>(request: &Request<'a>) -> Result<Option<Parameters<'a>>, TooMuch> {
    if matches!(request.method, "GET" | "HEAD") {
        return Ok(None);
    }
    if should_be_json(request) {
        match json::parse(request.body) {
            Ok(_) => return Ok(Some(Parameters::Json(Cow::Borrowed(request.body)))),
            Err(error @ (BadJson::TooManyValues | BadJson::TooDeep)) => return Err(error.into()),
            Err(BadJson::Malformed { .. }) => {}
        }
    }
    let array = form::parse_body(request.header("Content-Type"), request.body)?;
    Ok(Some(Parameters::Form(array)))
}

/// Returns the byte at which a body is malformed that should be JSON and was not read as such.
pub fn malformed(request: &Request<'_>, body: Option<&Parameters<'_>>) -> Option<usize> {
    let is_form = matches!(body, Some(Parameters::Form(_))) && !request.body.is_empty();
    let should_be = is_form && should_be_json(request);
    should_be.then(|| json::malformed(request.body)).flatten()
}

/// Whether a body is JSON by its type, or by its look if the type leaves that open.
fn should_be_json(request: &Request<'_>) -> bool {
    let media_type = form::media_type(request.header("Content-Type").unwrap_or_default());
    let ends = |suffix: &[u8]| {
        let start = media_type.len().checked_sub(suffix.len());
        start
            .and_then(|start| media_type.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let is = |name: &[u8]| form::is_same(media_type, name);
    let is_text = || {
        let start = media_type.get(..5);
        start.is_some_and(|start| start.eq_ignore_ascii_case(b"text/"))
    };
    let is_json = is(b"application/json") || ends(b"+json");
    let is_open = || media_type.is_empty() || is_text() || is(b"application/x-www-form-urlencoded");
    is_json || (is_container(request.body) && is_open())
}

/// Returns the value of a top-level parameter, from the body before the query; for signatures that cover
/// one parameter (zadarma's `result`). Returns `None` if the request would not be read.
pub fn parameter(request: &Request<'_>, name: &[u8]) -> Option<Vec<u8>> {
    let (query, body) = (query(request).ok()?, body(request).ok()?);
    let mut places = body.iter().chain([&query]);
    places.find_map(|place| place.field(name))
}

/// Returns the parameters of a body that is read as an urlencoded form, for signatures that cover all of
/// them; empty if there is no body. Returns `None` if the body is read in another format, or if one name
/// hides another (see [`distinct_pairs`]).
pub fn form_pairs(request: &Request<'_>) -> Option<Vec<Pair>> {
    if matches!(request.method, "GET" | "HEAD") || request.body.is_empty() {
        return Some(Vec::new());
    }
    let media_type = form::media_type(request.header("Content-Type").unwrap_or_default());
    let urlencoded = media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
    match urlencoded && !is_container(request.body) {
        true => distinct_pairs(request.body),
        false => None,
    }
}

/// Returns the members of a body that is read as a JSON object, for signatures that cover all of them.
/// Returns `None` if the body is read in another format, or if a member is no scalar or occurs twice.
pub fn json_pairs(request: &Request<'_>) -> Option<Vec<Pair>> {
    let Ok(Some(Parameters::Json(text))) = body(request) else {
        return None;
    };
    let value = json::parse(&text).ok().filter(json::Value::is_object)?;
    let mut pairs = value
        .members_of()
        .map(|(name, value)| Some((name, value.scalar()?)))
        .collect::<Option<Vec<Pair>>>()?;
    pairs.sort_unstable();
    let mut neighbours = pairs.iter().zip(pairs.iter().skip(1));
    let distinct = neighbours.all(|(one, next)| one.0 != next.0);
    distinct.then_some(pairs)
}

/// Returns the pairs of an urlencoded text. Returns `None` unless a reader sees each of them as a separate
/// parameter: with a name that occurs twice, or two names that PHP treats as one (`a.b` and `a_b`), a value
/// could be read that was signed as another parameter's.
pub fn distinct_pairs(bytes: &[u8]) -> Option<Vec<Pair>> {
    let array = form::parse_urlencoded(bytes).ok()?;
    let pairs = form::pairs(bytes);
    let scalar = |(_, value): &(form::Key, Value)| matches!(value, Value::Scalar(_));
    let distinct = array.entries().len() == pairs.len() && array.entries().iter().all(scalar);
    distinct.then_some(pairs)
}

/// Whether bytes begin like a JSON object or array.
pub fn is_container(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

impl From<BadJson> for TooMuch {
    fn from(error: BadJson) -> TooMuch {
        TooMuch(match error {
            BadJson::TooManyValues => "JSON values",
            BadJson::TooDeep => "JSON nesting",
            BadJson::Malformed { .. } => "JSON",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::wire::request::{Field, Version};

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    #[test]
    fn single_parameters() {
        let check = |target: &str, content_type: &str, body: &str, expected: Option<&str>| {
            let field = Field {
                name: "Content-Type",
                value: content_type.as_bytes(),
            };
            let request = Request {
                method: "POST",
                target: target.as_bytes(),
                version: Version::Http11,
                fields: [field].into_iter().collect(),
                body: body.as_bytes(),
            };
            let found = parameter(&request, b"result");
            let expected = expected.map(str::as_bytes);
            assert_eq!(found.as_deref(), expected, "{target} {body}");
        };
        check("/", FORM, "result=%7B%7D", Some("{}"));
        check("/", FORM, "result=%257B", Some("%7B"));
        check("/?result=q", FORM, "result=b", Some("b"));
        check("/?result=q", FORM, "x=b", Some("q"));
        check("/?result=q", FORM, "result[]=b", Some("q"));
        check("/", FORM, "x[result]=b", None);
        check("/", JSON, r#"{"result":"{}"}"#, Some("{}"));
        check("/", JSON, r#"{"result":{}}"#, None);
    }
}
