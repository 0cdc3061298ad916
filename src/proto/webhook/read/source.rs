//! Collects the parameters of a request, divided by whether its proof covers them.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::proof::Coverage;
use crate::proto::wire::form::{self, Array, Key, TooMuch, Value};
use crate::proto::wire::json;
use crate::proto::wire::parameters::{self, Parameters};
use crate::proto::wire::request::Request;

/// The sources of parameters. Those of the body stand before those of the query.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// The parameters that the permit covers.
    pub(super) covered: Vec<Parameters<'a>>,
    /// The parameters that it does not cover. They can only say that a request is no message at all.
    pub(super) uncovered: Vec<Parameters<'a>>,
    /// Whether there is a body that could not be read at all.
    pub(super) garbled: bool,
    /// The byte, counted from 1, at which a body that should be JSON is malformed. Only a body that is read
    /// counts.
    pub(super) malformed: Option<usize>,
}

impl<'a> Sources<'a> {
    pub(super) fn read(
        coverage: &Coverage,
        request: &Request<'a>,
        webhook: &Webhook,
    ) -> Result<Sources<'a>, TooMuch> {
        let mut body = parameters::body(request)?;
        let mut query = parameters::query(request)?;
        if !webhook.key_media.is_empty() {
            let media_type = form::media_type(request.header("Content-Type").unwrap_or_default());
            if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
                && let Some(body) = &mut body
            {
                keep_repeated(body, request.body, webhook);
            }
            keep_repeated(&mut query, request.query(), webhook);
        }
        let nothing = match &body {
            Some(Parameters::Form(array)) => array.entries().is_empty(),
            _ => false,
        };
        let is_read = matches!(coverage, Coverage::Whole | Coverage::Body);
        let malformed = match coverage {
            Coverage::Element(json) => json::malformed(json),
            _ => parameters::malformed(request, body.as_ref()).filter(|_| is_read),
        };
        let mut source = Sources {
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
                // The value becomes a form of its own, so that a path through it has the same meaning as
                // without a proof.
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

/// Makes a list of a parameter of links that occurs several times. Of any other repeated parameter the last
/// value counts, as in PHP.
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

/// Removes a second layer of percent-encoding from parameters that are JSON below it, as some of Zadarma's
/// `result`s are. Never touches a parameter that a key names.
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
    let is_named = |key: &Key| {
        let mut named = webhook.named().into_iter();
        named.any(|path| key.is(path.split(ends).next().unwrap_or_default()))
    };
    for (key, value) in array.entries_mut() {
        if let Value::Scalar(bytes) = value
            && let Some(decoded) = decoded(bytes)
            && !is_named(key)
        {
            *bytes = decoded.into();
        }
    }
}
