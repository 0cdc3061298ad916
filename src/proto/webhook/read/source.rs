//! A request and what its proof covers → the parameters that may be read, and the others.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::proof::Coverage;
use crate::proto::wire::form::{self, Array, TooMuch, Value};
use crate::proto::wire::json;
use crate::proto::wire::parameters::{self, Parameters};
use crate::proto::wire::request::Request;

/// Where parameters come from. The body's stand before the query's.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// What the permit covers.
    pub(super) covered: Vec<Parameters<'a>>,
    /// What it does not cover: only ever asked whether a request is a message at all.
    pub(super) uncovered: Vec<Parameters<'a>>,
    /// Whether there is a body of which nothing could be read.
    pub(super) garbled: bool,
    /// The byte at which a body that should be JSON is none, counted from 1; of a body that is read.
    pub(super) malformed: Option<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn read(
        coverage: &Coverage,
        request: &Request<'a>,
        webhook: &Webhook,
    ) -> Result<Source<'a>, TooMuch> {
        let mut body = parameters::body(request)?;
        let mut query = parameters::query(request)?;
        let media_type = form::media_type(request.header("content-type").unwrap_or_default());
        if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
            && let Some(body) = &mut body
        {
            keep_repeated(body, request.body, webhook);
        }
        keep_repeated(&mut query, request.query(), webhook);
        let nothing = match &body {
            Some(Parameters::Form(array)) => array.entries().is_empty(),
            _ => false,
        };
        let is_read = matches!(coverage, Coverage::Whole | Coverage::Body);
        let malformed = match coverage {
            Coverage::Element(json) => json::malformed(json),
            _ => parameters::malformed(request, body.as_ref()).filter(|_| is_read),
        };
        let mut source = Source {
            malformed,
            covered: Vec::new(),
            uncovered: Vec::new(),
            garbled: nothing && !request.body.is_empty(),
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
                let whole: Vec<Parameters> = body.into_iter().chain([query]).collect();
                // As a form of its own, so that a path through it says the same as without a proof.
                let inside = whole.iter().find_map(|place| place.field(name));
                let inside = inside.map(|value| Array::of(name, value));
                source.covered.extend(inside.map(Parameters::Form));
                source.uncovered = whole;
            }
            Coverage::Claims(json) | Coverage::Element(json) => {
                let json = Cow::Owned(json.clone());
                source.covered.push(Parameters::Json(json));
            }
        }
        for place in source.covered.iter_mut().chain(&mut source.uncovered) {
            unescape(place, webhook);
        }
        Ok(source)
    }
}

/// Makes a list of a parameter of links that stands there several times. Of any other the last one holds,
/// as in PHP.
fn keep_repeated(place: &mut Parameters, bytes: &[u8], webhook: &Webhook) {
    let Parameters::Form(array) = place else {
        return;
    };
    for name in webhook.key_media.iter() {
        let name = name.strip_suffix(b"[]").unwrap_or(name);
        if array.get(name).is_none() {
            continue;
        }
        let mut list = Array::default();
        for (other, value) in form::pairs(bytes) {
            if other == name {
                list.append(value);
            }
        }
        if list.entries().len() > 1 {
            array.set(name, Value::Array(list));
        }
    }
}

/// Takes one more layer of percent-encoding off parameters that are JSON below it: some of
/// Zadarma's `result`s have two. Never off a parameter that a key names.
fn unescape(place: &mut Parameters, webhook: &Webhook) {
    let decoded = |bytes: &[u8]| {
        let start = bytes.get(..3).unwrap_or_default();
        let container = [b"%7B", b"%5B"]
            .iter()
            .any(|b| start.eq_ignore_ascii_case(*b));
        let decoded = container.then(|| form::percent_decode(bytes))?;
        json::parse(&decoded).is_ok().then_some(decoded)
    };
    let Parameters::Form(array) = place else {
        return;
    };
    let ends = |b: &u8| matches!(b, b'.' | b'[');
    let mut named = webhook.named();
    for path in &mut named {
        *path = path.split(ends).next().unwrap_or_default();
    }
    for (key, value) in array.entries_mut() {
        if let Value::Scalar(bytes) = value
            && !named.iter().any(|name| key.is(name))
            && let Some(decoded) = decoded(bytes)
        {
            *bytes = decoded.into();
        }
    }
}
