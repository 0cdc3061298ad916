//! Encodes the request for one page of a list.
//!
//! Placeholders are filled in here: percent-encoded in a path, unchanged in parameters, which the account's
//! format encodes. A parameter is left out if the number or the next page in its value is empty.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::lister::{Done, Lister, Paging};
use crate::proto::provider::account::{Account, Call};
use crate::proto::provider::encode::{BadAccount, encode_bare};
use crate::proto::provider::fill;
use crate::proto::wire::form::{Pair, rawurlencode};
use crate::proto::wire::{date, number};

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// The beginning of the list.
    First,
    /// A URL on the account's own host.
    Url(String),
    /// The number for `{page}` or `{offset}`.
    Number(u64),
    /// The value for `{next}`.
    Value(Vec<u8>),
}

/// The data that a request is made from.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The place in the list.
    pub spot: &'a Spot,
    /// The own number that is asked for; empty if none is.
    pub number: &'a str,
    /// The time from which on SMS are asked for, seconds since 1970.
    pub since_s: u64,
    /// The present time, seconds since 1970.
    pub now_s: u64,
    /// The id of the SMS that is stored.
    pub id: &'a [u8],
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollPlaceholder {
    /// `{since}`: the time from which on SMS are asked for.
    Since,
    /// `{since_date}`: the date of the day before that time.
    SinceDate,
    /// `{today}`: the present date.
    Today,
    /// `{tomorrow}`: the date of the next day.
    Tomorrow,
    /// `{account}`: the provider's name for the account.
    Account,
    /// `{number}`: one of our own numbers.
    Number,
    /// `{auth_user}`: the user name.
    User,
    /// `{page}`: the number of the page.
    Page,
    /// `{offset}`: the number of elements before the page.
    Offset,
    /// `{next}`: the value that names the page.
    Next,
    /// `{id}`: the id of a stored SMS, for `poll_done` alone.
    Id,
}

const NAMES: [(&str, PollPlaceholder); 11] = [
    ("{since}", PollPlaceholder::Since),
    ("{since_date}", PollPlaceholder::SinceDate),
    ("{today}", PollPlaceholder::Today),
    ("{tomorrow}", PollPlaceholder::Tomorrow),
    ("{account}", PollPlaceholder::Account),
    ("{number}", PollPlaceholder::Number),
    ("{auth_user}", PollPlaceholder::User),
    ("{page}", PollPlaceholder::Page),
    ("{offset}", PollPlaceholder::Offset),
    ("{next}", PollPlaceholder::Next),
    ("{id}", PollPlaceholder::Id),
];

const DAY_S: u64 = 86_400;

/// Returns every placeholder of a template, in order.
pub fn names(template: &[u8]) -> Vec<PollPlaceholder> {
    let mut found = Vec::new();
    filled(template, &mut |name| {
        found.push(name);
        Vec::new()
    });
    found
}

fn filled(template: &[u8], value: &mut dyn FnMut(PollPlaceholder) -> Vec<u8>) -> Vec<u8> {
    fill::replace(template, &NAMES.map(|(text, _)| text), &mut |place| {
        let name = NAMES.get(place).map(|(_, name)| *name);
        name.map(&mut *value).unwrap_or_default()
    })
}

/// Encodes the request for one page of a list.
pub fn encode_list(account: &Account, lister: &Lister, ask: &Ask) -> Result<Call, BadAccount> {
    let value = |name: PollPlaceholder| value(name, account, lister, ask);
    let path = match ask.spot {
        Spot::Url(url) => url.clone(),
        _ => path(&lister.path, &value),
    };
    let mut parameters: Vec<Pair> = Vec::new();
    for (key, template) in &lister.statics {
        if is_kept(template, &value) {
            let filled = filled(template, &mut |name| value(name));
            parameters.push((key.clone(), filled));
        }
    }
    encode_bare(account, None, path, parameters, ask.now_s)
}

/// Encodes the request that says that an SMS is stored.
pub fn encode_done(
    account: &Account,
    lister: &Lister,
    done: &Done,
    ask: &Ask,
) -> Result<Call, BadAccount> {
    let path = path(&done.path, &|name| value(name, account, lister, ask));
    encode_bare(account, Some(done.method), path, Vec::new(), ask.now_s)
}

/// Fills in a path, and leaves out parameters that have no value.
fn path(template: &str, value: &dyn Fn(PollPlaceholder) -> Vec<u8>) -> String {
    let in_url = |template: &str| {
        let encoded = |name: PollPlaceholder| rawurlencode(&value(name)).into_bytes();
        let filled = filled(template.as_bytes(), &mut |name| encoded(name));
        String::from_utf8_lossy(&filled).into_owned()
    };
    let Some((base, query)) = template.split_once('?') else {
        return in_url(template);
    };
    let kept = query.split('&');
    let kept = kept.filter(|parameter| is_kept(parameter.as_bytes(), value));
    let kept: Vec<String> = kept.map(in_url).collect();
    let mut path = in_url(base);
    if !kept.is_empty() {
        path.push('?');
        path.push_str(&kept.join("&"));
    }
    path
}

/// Whether a parameter has a value.
fn is_kept(template: &[u8], value: &dyn Fn(PollPlaceholder) -> Vec<u8>) -> bool {
    let may_lack =
        |name: &PollPlaceholder| matches!(name, PollPlaceholder::Number | PollPlaceholder::Next);
    let mut names = names(template).into_iter().filter(may_lack);
    names.all(|name| !value(name).is_empty())
}

fn value(name: PollPlaceholder, account: &Account, lister: &Lister, ask: &Ask) -> Vec<u8> {
    let text = match name {
        PollPlaceholder::Since => date::rfc3339(ask.since_s),
        PollPlaceholder::SinceDate => date::day(ask.since_s.saturating_sub(DAY_S)),
        PollPlaceholder::Today => date::day(ask.now_s),
        PollPlaceholder::Tomorrow => date::day(ask.now_s.saturating_add(DAY_S)),
        PollPlaceholder::Number => {
            number::format(ask.number, account.number_format_from).into_owned()
        }
        PollPlaceholder::Page | PollPlaceholder::Offset => {
            let first = match lister.paging {
                Paging::Page(first) => first,
                _ => 0,
            };
            let at = match ask.spot {
                Spot::Number(at) => *at,
                _ => first,
            };
            at.to_string()
        }
        PollPlaceholder::Account => return account.values.account.clone(),
        PollPlaceholder::User => return account.values.auth_user.clone(),
        PollPlaceholder::Id => return ask.id.to_vec(),
        PollPlaceholder::Next => match ask.spot {
            Spot::Value(next) => return next.clone(),
            _ => "".to_owned(),
        },
    };
    text.into_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::provider::account::Format;
    use crate::proto::provider::account::tests::account;
    use crate::proto::provider::poll::lister::Order;
    use crate::proto::provider::sign::Auth;
    use crate::proto::wire::number::NumberFormat;

    const ASK: Ask = Ask {
        spot: &Spot::First,
        number: "",
        since_s: 784_111_777,
        now_s: 784_115_377,
        id: b"",
    };

    fn lister(path: &str, statics: &[(&str, &str)], paging: Paging) -> Lister {
        let pair = |(key, value): &(&str, &str)| ((*key).into(), (*value).into());
        Lister {
            path: path.to_owned(),
            statics: statics.iter().map(pair).collect(),
            each: Vec::new(),
            empty: "".into(),
            paging,
            order: Order::Newest,
            done: None,
            consumes: false,
            numbers: Vec::new(),
        }
    }

    fn our_account() -> Account {
        Account {
            host: "https://api.example.com".to_owned(),
            auth: Auth::None,
            number_format_from: NumberFormat::Plus,
            values: fill::Values {
                account: b"A C".to_vec(),
                auth_user: b"u&x".to_vec(),
                ..fill::Values::default()
            },
            ..account()
        }
    }

    #[test]
    fn placeholders_are_filled_and_percent_encoded() {
        fn check(path: &str, paging: Paging, ask: Ask, expected: &str) {
            let call = encode_list(&our_account(), &lister(path, &[], paging), &ask).unwrap();
            assert_eq!(call.method, "GET", "{path}");
            assert_eq!(call.target(), expected, "{path}");
        }
        let one = |path: &str, expected: &str| check(path, Paging::None, ASK, expected);
        one("/m", "/m");
        one("/{account}/{auth_user}", "/A%20C/u%26x");
        one(
            "/m?a={since}&b={since_date}",
            "/m?a=1994-11-06T08%3A49%3A37Z&b=1994-11-05",
        );
        one("/m?{today}={tomorrow}", "/m?1994-11-06=1994-11-07");
        one("/m?to={number}&a=1", "/m?a=1");
        one("/m?to={number}", "/m");
        one("/m?a=1&end={next}", "/m?a=1");
        one(
            "/m?p={page}&{sinc}&{auth_passwd}",
            "/m?p=0&{sinc}&{auth_passwd}",
        );
        check(
            "/m?to={number}",
            Paging::None,
            Ask {
                number: "0012025550160",
                ..ASK
            },
            "/m?to=%2B12025550160",
        );
        check("/m?p={page}", Paging::Page(1), ASK, "/m?p=1");
        check(
            "/m?p={page}",
            Paging::Page(1),
            Ask {
                spot: &Spot::Number(7),
                ..ASK
            },
            "/m?p=7",
        );
        check(
            "/m?o={offset}",
            Paging::Offset,
            Ask {
                spot: &Spot::Number(50),
                ..ASK
            },
            "/m?o=50",
        );
        let next = Spot::Value(b"2018-07-12T13:00:00&x".to_vec());
        check(
            "/m?a={next}",
            Paging::Value("next".into()),
            Ask { spot: &next, ..ASK },
            "/m?a=2018-07-12T13%3A00%3A00%26x",
        );
        let url = Spot::Url("https://api.example.com/p?q={since}".to_owned());
        check(
            "/m",
            Paging::None,
            Ask { spot: &url, ..ASK },
            "/p?q={since}",
        );
    }

    #[test]
    fn parameters_go_as_the_format_carries_them() {
        let statics = [
            ("method", "getSMS"),
            ("from", "{since_date}"),
            ("did", "{number}"),
        ];
        let call = |format: Format, statics: &[(&str, &str)], number: &str| {
            let account = Account {
                format,
                auth: Auth::Plain {
                    key_user: b"u".to_vec(),
                    key_secret: b"p".to_vec(),
                    user: b"me".to_vec(),
                    passwd: b"pw".to_vec(),
                },
                ..our_account()
            };
            let ask = Ask { number, ..ASK };
            encode_list(&account, &lister("/m", statics, Paging::None), &ask).unwrap()
        };
        let form = call(Format::Form, &statics, "");
        assert_eq!((form.method, &*form.target()), ("POST", "/m"));
        assert_eq!(form.body, b"from=1994-11-05&method=getSMS&p=pw&u=me");
        let query = call(Format::Query, &statics, "+1202555");
        assert_eq!(
            &*query.target(),
            "/m?did=%2B1202555&from=1994-11-05&method=getSMS&p=pw&u=me"
        );
        let multipart = call(Format::Multipart, &statics, "");
        assert_eq!((multipart.method, &*multipart.target()), ("POST", "/m"));
        // Without parameters the request is a GET, and credentials stand where they must.
        let bare = call(Format::Multipart, &[], "");
        assert_eq!((bare.method, &*bare.target()), ("GET", "/m?p=pw&u=me"));
    }

    #[test]
    fn what_is_stored_is_told() {
        let done = Done {
            method: "PUT",
            path: "/read/{id}".to_owned(),
        };
        let ask = Ask {
            id: b"a/b?c",
            ..ASK
        };
        let list = lister("/m", &[], Paging::None);
        let call = encode_done(&our_account(), &list, &done, &ask).unwrap();
        assert_eq!((call.method, &*call.target()), ("PUT", "/read/a%2Fb%3Fc"));
    }
}
