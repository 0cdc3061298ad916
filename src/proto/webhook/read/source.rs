//! A request → its parameters: which of its bytes are read, and as what.

use super::BadWebhook;
use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::verify::Coverage;
use crate::proto::wire::form::{self, Array, TooMuch, Value};
use crate::proto::wire::json::{self, BadJson};
use crate::proto::wire::request::Request;

/// Where parameters come from. The body's stand before the query's.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// What the permit covers.
    pub(super) covered: Vec<Root<'a>>,
    /// What it does not cover: only ever asked whether a request is a message at all.
    pub(super) uncovered: Vec<Root<'a>>,
    /// Whether there is a body of which nothing could be read.
    pub(super) garbled: bool,
    /// The byte at which a body that should be JSON is none, counted from 1; of a body that is read.
    pub(super) malformed: Option<usize>,
}

/// The parameters of one place.
#[derive(Debug)]
pub(super) enum Root<'a> {
    /// A form or a query.
    Form(Array),
    /// JSON that a request's body is.
    Json(&'a [u8]),
    /// JSON that stood in a token.
    Claims(Vec<u8>),
}

impl<'a> Source<'a> {
    pub(super) fn read(
        coverage: &Coverage,
        request: &Request<'a>,
        webhook: &Webhook,
    ) -> Result<Source<'a>, BadWebhook> {
        let body = body(request)?;
        let query = Root::Form(form::parse_urlencoded(request.query())?);
        let nothing = match &body {
            Some(Root::Form(array)) => array.entries().is_empty(),
            _ => false,
        };
        let is_read = matches!(coverage, Coverage::Whole | Coverage::Body);
        let mut source = Source {
            covered: Vec::new(),
            uncovered: Vec::new(),
            garbled: nothing && !request.body.is_empty(),
            malformed: malformed(request, body.as_ref()).filter(|_| is_read),
        };
        match coverage {
            Coverage::Whole => {
                source.covered.extend(body);
                source.covered.push(query);
            }
            Coverage::Body => {
                source.covered.extend(body);
                source.uncovered.push(query);
            }
            Coverage::Inside(name) => {
                let whole: Vec<Root> = body.into_iter().chain([query]).collect();
                // As a form of its own, so that a path through it says the same as without a proof.
                let inside = field(&whole, name).map(|value| Array::of(name, value));
                source.covered.extend(inside.map(Root::Form));
                source.uncovered = whole;
            }
            Coverage::Claims(claims) => source.covered.push(Root::Claims(claims.clone())),
        }
        for root in source.covered.iter_mut().chain(&mut source.uncovered) {
            root.unescape(webhook);
        }
        Ok(source)
    }
}

impl Root<'_> {
    /// Takes one more layer of percent-encoding off parameters that are JSON below it: some of
    /// Zadarma's `result`s have two. Never off a parameter that a key names.
    fn unescape(&mut self, webhook: &Webhook) {
        let decoded = |bytes: &[u8]| {
            let start = bytes.get(..3).unwrap_or_default();
            let container = [b"%7B", b"%5B"]
                .iter()
                .any(|b| start.eq_ignore_ascii_case(*b));
            let decoded = container.then(|| form::percent_decode(bytes))?;
            json::parse(&decoded).is_ok().then_some(decoded)
        };
        let Root::Form(array) = self else {
            return;
        };
        let ends = |b: &u8| matches!(b, b'.' | b'[');
        let named = webhook
            .named()
            .map(|path| path.split(ends).next().unwrap_or_default());
        for (key, value) in array.entries_mut() {
            if let Value::Scalar(bytes) = value
                && !named.iter().any(|name| key.is(name))
                && let Some(decoded) = decoded(bytes)
            {
                *bytes = decoded.into();
            }
        }
    }
}

/// The value of a top-level parameter, the body's before the query's; for signatures that cover
/// one (zadarma's `result`). `None` where the request is none that would be read.
pub fn parameter(request: &Request<'_>, name: &[u8]) -> Option<Vec<u8>> {
    let query = Root::Form(form::parse_urlencoded(request.query()).ok()?);
    let whole: Vec<Root> = body(request).ok()?.into_iter().chain([query]).collect();
    field(&whole, name)
}

/// A name and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The parameters of a body that is read as an urlencoded form, for signatures that cover all of
/// them; none where there is no body. `None` where it is read as something else, or where one name
/// hides another (see [`distinct_pairs`]).
pub fn form_pairs(request: &Request<'_>) -> Option<Vec<Pair>> {
    if matches!(request.method, "GET" | "HEAD") || request.body.is_empty() {
        return Some(Vec::new());
    }
    let media_type = form::media_type(request.header("content-type").unwrap_or_default());
    let urlencoded = media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
    match urlencoded && !is_container(request.body) {
        true => distinct_pairs(request.body),
        false => None,
    }
}

/// The members of a body that is read as a JSON object, for signatures that cover all of them.
/// `None` where it is read as something else, or where a member is no scalar or given twice.
pub fn json_pairs(request: &Request<'_>) -> Option<Vec<Pair>> {
    let Ok(Some(Root::Json(text))) = body(request) else {
        return None;
    };
    let value = json::parse(text).ok().filter(json::Value::is_object)?;
    let mut pairs = value
        .members_of()
        .map(|(name, value)| Some((name, value.scalar()?)))
        .collect::<Option<Vec<Pair>>>()?;
    pairs.sort_unstable();
    let mut neighbours = pairs.iter().zip(pairs.iter().skip(1));
    let distinct = neighbours.all(|(one, next)| one.0 != next.0);
    distinct.then_some(pairs)
}

/// The pairs of an urlencoded text. `None` unless every one of them is a parameter of its own to
/// who reads them: a name given twice, or two that PHP takes for one (`a.b` and `a_b`), would let a
/// value be read that the signature means to be another's.
pub fn distinct_pairs(bytes: &[u8]) -> Option<Vec<Pair>> {
    let array = form::parse_urlencoded(bytes).ok()?;
    let pairs = form::pairs(bytes);
    let scalar = |(_, value): &(form::Key, Value)| matches!(value, Value::Scalar(_));
    let distinct = array.entries().len() == pairs.len() && array.entries().iter().all(scalar);
    distinct.then_some(pairs)
}

fn field(roots: &[Root], name: &[u8]) -> Option<Vec<u8>> {
    roots.iter().find_map(|root| match root {
        Root::Form(array) => match array.get(name)? {
            Value::Scalar(bytes) => Some(bytes.to_vec()),
            Value::Array(_) => None,
        },
        Root::Json(text) => json::parse(text).ok()?.child(name)?.scalar(),
        Root::Claims(text) => json::parse(text).ok()?.child(name)?.scalar(),
    })
}

/// The parameters of a body. A GET has none, whatever it carries.
fn body<'a>(request: &Request<'a>) -> Result<Option<Root<'a>>, BadWebhook> {
    if matches!(request.method, "GET" | "HEAD") {
        return Ok(None);
    }
    if should_be_json(request) {
        match json::parse(request.body) {
            Ok(_) => return Ok(Some(Root::Json(request.body))),
            Err(error @ (BadJson::TooManyValues | BadJson::TooDeep)) => return Err(error.into()),
            Err(BadJson::Malformed { .. }) => {}
        }
    }
    let array = form::parse_body(request.header("content-type"), request.body)?;
    Ok(Some(Root::Form(array)))
}

/// The byte at which a body that was not read as JSON, and should have been, is none.
fn malformed(request: &Request<'_>, body: Option<&Root<'_>>) -> Option<usize> {
    let is_form = matches!(body, Some(Root::Form(_))) && !request.body.is_empty();
    let should_be = is_form && should_be_json(request);
    match should_be.then(|| json::parse(request.body)) {
        Some(Err(BadJson::Malformed { at })) => Some(at),
        _ => None,
    }
}

/// Whether a body is JSON by its type, or by its look where the type leaves that open.
fn should_be_json(request: &Request<'_>) -> bool {
    let media_type = form::media_type(request.header("content-type").unwrap_or_default());
    let ends = |suffix: &[u8]| {
        let start = media_type.len().checked_sub(suffix.len());
        start
            .and_then(|start| media_type.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let is = |name: &[u8]| media_type.eq_ignore_ascii_case(name);
    let text = media_type
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"text/"));
    let json = is(b"application/json") || ends(b"+json");
    let perhaps = media_type.is_empty() || text || is(b"application/x-www-form-urlencoded");
    json || (perhaps && is_container(request.body))
}

/// Whether bytes begin as a JSON object or array does.
pub(super) fn is_container(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

impl From<TooMuch> for BadWebhook {
    fn from(TooMuch(what): TooMuch) -> BadWebhook {
        BadWebhook::TooMuch(what)
    }
}

impl From<BadJson> for BadWebhook {
    fn from(error: BadJson) -> BadWebhook {
        BadWebhook::TooMuch(match error {
            BadJson::TooManyValues => "JSON values",
            BadJson::TooDeep => "JSON nesting",
            BadJson::Malformed { .. } => "JSON",
        })
    }
}
