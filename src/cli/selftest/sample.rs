//! Makes an SMS as the provider of an interface of `[websmsd]` would bring it, with its proof.

use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::verify::{Covers, Unsigned};
use crate::proto::wire::form::{self, Pair};
use crate::proto::wire::json;
use crate::proto::wire::request::Request;

/// The sender of the sample, a number that belongs to nobody.
const FROM: &[u8] = b"+15550123456";
const TO: &[u8] = b"+15550123457";

/// The reason why there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSample {
    /// The scheme's proof needs the provider's private key.
    PrivateKey,
    /// The keys make no request.
    Keys,
}

/// Returns the request's bytes, with `id` as the provider's id.
pub(super) fn encode(interface: &Interface, id: &str, now_s: u64) -> Result<Vec<u8>, NoSample> {
    let gate = &interface.gate;
    let target = match gate.paths.as_deref() {
        Some([first, ..]) => first.as_slice(),
        _ => b"/",
    };
    let (content_type, mut body) = body(interface, id)?;
    let bare = head(target, content_type, &[], body.len());
    let mut request = Request::parse(&bare).map_err(|_| NoSample::Keys)?;
    request.body = &body;
    let public_url = gate.public_url.as_ref();
    let proof = gate.credentials.sign(public_url, &request, now_s);
    drop(request);
    let proof = proof.map_err(|unsigned| match unsigned {
        Unsigned::PrivateKey => NoSample::PrivateKey,
        Unsigned::Missing => NoSample::Keys,
    })?;
    if !proof.parameters.is_empty() {
        body.push(b'&');
        body.extend(form::encode_pairs(&proof.parameters));
    }
    let mut bytes = head(target, content_type, &proof.fields, body.len());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

fn head(
    target: &[u8],
    content_type: &str,
    fields: &[(&'static str, String)],
    body_bytes: usize,
) -> Vec<u8> {
    let mut head = [b"POST ", target, b" HTTP/1.1\r\nHost: localhost\r\n"].concat();
    for (name, value) in fields {
        head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let rest = format!(
        "Content-Type: {content_type}\r\nContent-Length: {body_bytes}\r\nConnection: close\r\n\r\n"
    );
    head.extend_from_slice(rest.as_bytes());
    head
}

/// Returns JSON if a key is a path, a list is looked up or the body as such is signed; otherwise a form.
fn body(interface: &Interface, id: &str) -> Result<(&'static str, Vec<u8>), NoSample> {
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    let Interface { gate, webhook, .. } = interface;
    let conditions = webhook.accept_if.iter().filter_map(|condition| {
        // A missing key counts as empty.
        let value = condition
            .values()
            .next()
            .filter(|value| !value.is_empty())?;
        Some((condition.key.clone(), value.to_vec()))
    });
    let own = webhook.own_numbers.first().map(|it| it.as_str().as_bytes());
    let values = [
        (&webhook.key_to, own.unwrap_or(TO)),
        (&webhook.key_from, FROM),
        (&webhook.key_body, b"WebSMS self-test"),
        (&webhook.key_id, id.as_bytes()),
    ];
    let mut members: Vec<Pair> = Vec::new();
    for (key, value) in values {
        let first = key.iter().next();
        // If a path means each of several elements, the sample has a list of one element.
        let in_place = |name: &[u8]| match name.windows(3).position(|three| three == b"[].") {
            Some(at) => {
                let (list, rest) = name.split_at_checked(at).unwrap_or_default();
                [list, b"[0]", rest.get(2..).unwrap_or_default()].concat()
            }
            None => name.to_vec(),
        };
        members.extend(first.map(|name| (in_place(name), value.to_vec())));
    }
    let object = |members: &[Pair]| json::encode(members).map_err(|_| NoSample::Keys);
    let covers = gate.credentials.scheme.covers;
    if let Covers::Inside(signed) = covers {
        let mut pairs = vec![(signed.to_vec(), object(&members)?)];
        pairs.extend(conditions);
        return Ok((FORM, form::encode_pairs(&pairs)));
    }
    members.extend(conditions);
    let paths = members.iter().any(|(key, _)| json::is_path(key));
    let is_json =
        paths || !webhook.each.is_empty() || matches!(covers, Covers::Body | Covers::Claims);
    if !is_json {
        return Ok((FORM, form::encode_pairs(&members)));
    }
    let list = webhook.each.strip_suffix(b"[]").unwrap_or(&webhook.each);
    if list.is_empty() {
        let one = object(&members)?;
        let whole = match webhook.each.is_empty() {
            true => one,
            // The list is the whole body.
            false => [b"[", one.as_slice(), b"]"].concat(),
        };
        return Ok((JSON, whole));
    }
    for (key, _) in &mut members {
        *key = [list, b"[0].", key.as_slice()].concat();
    }
    Ok((JSON, object(&members)?))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests {
    use super::*;
    use crate::config;
    use crate::proto::webhook::access;
    use crate::proto::webhook::verify::{Needs, SCHEMES};
    use crate::proto::webhook::{self, Reading};

    const NOW_S: u64 = 1_795_392_000;

    /// Checks that the sample of a `[websmsd]` is let in by its own rules, and is one SMS.
    #[track_caller]
    fn check(conf: &str) {
        let conf = format!("[websmsd]\npublic_url = \"https://sms.example.com\"\n{conf}\n");
        let config = config::read(conf.as_bytes(), &|_| None).config.unwrap();
        let bytes = encode(&config.rules.interfaces[0], "id-1", NOW_S).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let end = text.find("\r\n\r\n").unwrap() + 4;
        let mut request = Request::parse(&bytes[..end]).unwrap();
        request.body = &bytes[end..];
        let peer = "127.0.0.1".parse().unwrap();
        let entry = access::admit(&config.rules, peer, &request).unwrap();
        let permit = access::check(entry, &request, Some(NOW_S));
        let permit = permit.unwrap_or_else(|denied| unreachable!("{denied:?}: {text}"));
        match webhook::read(permit, &request) {
            Ok(Reading::Messages(items, _)) => {
                assert_eq!(items.len(), 1, "{text}");
                assert!(items[0].message.is_ok(), "{:?} {text}", items[0]);
            }
            other => unreachable!("{other:?}: {text}"),
        }
    }

    /// A secret that suits any scheme, whether it is decoded or not.
    const PASSWD: &str = "auth_user = u\nauth_passwd = 'QUJDRA=='";

    #[test]
    fn every_scheme_that_can_be_proved_is() {
        for scheme in SCHEMES.iter().filter(|scheme| scheme.sign.is_some()) {
            let lines = format!("auth_method = {}\n{PASSWD}", scheme.name);
            check(&lines);
            if let Needs::PasswdAndHash(_, words) = scheme.needs {
                for (word, _) in words {
                    check(&format!("{lines}\nauth_hash = {word}"));
                }
            }
        }
    }

    #[test]
    fn every_preset_has_a_sample() {
        for (name, text) in crate::providers::PRESETS {
            // The preset of a provider that is polled has no address to be entered.
            if !text.contains("@HOOK@") {
                continue;
            }
            let auth = match *name {
                "telnyx" => "auth_method = none",
                _ => PASSWD,
            };
            check(&format!("provider = {name}\n{auth}"));
            check(&format!(
                "provider = {name}\n{auth}\nown_numbers = 12025550160"
            ));
        }
    }

    #[test]
    fn a_public_key_signs_nothing() {
        let key = "auth_method = telnyx\nauth_passwd = \
                   'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='";
        let conf = format!("[websmsd]\n{key}\n");
        let Some(config) = config::read(conf.as_bytes(), &|_| None).config else {
            return assert_eq!(conf, "a configuration");
        };
        let found = encode(&config.rules.interfaces[0], "id-1", NOW_S);
        assert_eq!(found, Err(NoSample::PrivateKey));
    }
}
