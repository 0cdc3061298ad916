//! An interface's account, a call to its provider, the reply and the verdict on it: plain values.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use super::fill;
use super::sign::Auth;
use crate::message::Text;
use crate::proto::grammar::Alternatives;
use crate::proto::wire::number::NumberFormat;

/// Everything that shapes a request of one interface (`[websms]`).
#[derive(Debug, Clone)]
pub struct Account {
    /// The interface's index; empty where there is none.
    pub interface: String,
    /// Scheme and host, scheme settled by `config`.
    pub host: String,
    /// Joined to `host` as it stands.
    pub path: String,
    /// The recipient's parameter: a name, in JSON a path (`messages[0].to`). In the other formats it
    /// goes out as it stands, brackets and all, which is how PHP and its like spell paths (`to[]`).
    pub key_to: Vec<u8>,
    /// The sender's.
    pub key_from: Vec<u8>,
    /// The text's.
    pub key_body: Vec<u8>,
    /// Credentials.
    pub auth: Auth,
    /// How parameters travel.
    pub format: Format,
    /// How a blank is written in a form or a query.
    pub space: Space,
    /// What placeholders in `path`, `statics`, `unicode_statics` and `headers` stand for.
    pub values: fill::Values,
    /// What happens to the destination's number.
    pub number_format: NumberFormat,
    /// What happens to the sender's.
    pub number_format_from: NumberFormat,
    /// What happens to characters above U+FFFF.
    pub charset: Charset,
    /// `val_static`, in order.
    pub statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `unicode_static`: added to a text outside GSM 03.38, in order; they win over `statics`.
    pub unicode_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `long_bytes`: a text of more bytes of UTF-8 is long; [`NO_LENGTH`]: none is.
    pub long_bytes: usize,
    /// `long_static`: what a long text has in place of those of `statics` with the same names, in order.
    pub long_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `long_key_message_id`: what holds for a long text in place of `message_id`.
    pub long_message_id: Option<AnswerPlace>,
    /// `text_chars_max`: a text of more characters is refused before it is sent; [`NO_LENGTH`]: none is.
    pub text_chars_max: usize,
    /// `dlr_static`, in order, where delivery reports are asked for; they win over all of these.
    pub dlr_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is secret in the address that they name, as it stands there too.
    pub dlr_secrets: Vec<Vec<u8>>,
    /// `headers`, in order.
    pub headers: Vec<(String, String)>,
    /// Statuses that may mean sent; empty: every 2xx.
    pub status_check: Vec<u16>,
    /// When an answer of such a status means sent; `None`: always.
    pub response_check: Option<Check>,
    /// When an answer means try again later.
    pub later_check: Option<Check>,
    /// Where an answer has the provider's id of the message.
    pub message_id: AnswerPlace,
    /// Where an answer says why a message was not accepted.
    pub reason: AnswerPlace,
    /// Joined to `host` for a GET that shows whether the credentials are right and sends nothing;
    /// empty: none is known.
    pub check_path: String,
}

/// A length that no text has.
pub const NO_LENGTH: usize = usize::MAX;

impl Account {
    /// Whether a text is one that `long_static` and `long_key_message_id` are for (spec §6.10).
    pub fn is_long(&self, text: &Text) -> bool {
        text.to_utf8().len() > self.long_bytes
    }

    /// Why a text is not sent at all: it has more characters than the provider takes.
    pub fn too_long(&self, text: &Text) -> Option<String> {
        let (chars, chars_max) = (text.chars(), self.text_chars_max);
        (chars > chars_max)
            .then(|| format!("the text is {chars} characters, text_chars_max is {chars_max}"))
    }
}

/// Where something stands in an answer (`key_message_id`, `key_reason`).
#[derive(Debug, Clone)]
pub enum AnswerPlace {
    /// Under the first of the usual names.
    Usual,
    /// At the first of these keys or paths that the JSON answer has.
    Keys(Alternatives),
    /// The first group of a regex, or all that it matches.
    Regex(regex_lite::Regex),
}

/// `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/x-www-form-urlencoded`, POST.
    Form,
    /// `application/json`, POST.
    Json,
    /// Parameters in the URL, GET.
    Query,
    /// `multipart/form-data`, POST.
    Multipart,
}

/// `space`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// `+`, as forms have it.
    Plus,
    /// `%20`, for providers that take `+` for itself.
    Percent20,
}

/// `charset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charset {
    /// Unchanged.
    AsIs,
    /// `UCS-2`: characters above U+FFFF become U+FFFD.
    Ucs2,
    /// `key=value`: that parameter is added when there is such a character.
    Parameter(Vec<u8>, Vec<u8>),
}

/// `response_check`, `later_check`.
#[derive(Debug, Clone)]
pub enum Check {
    /// `key=value` in the JSON answer, at any depth, the last such key; a path with `[]` in it
    /// must hold for every element of that list, and there must be one.
    KeyValue(Vec<u8>, Vec<u8>),
    /// `/regex/flags` against the raw answer.
    Regex(regex_lite::Regex),
}

/// One HTTP request to the provider, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `POST` or `GET`, or `PUT`.
    pub method: &'static str,
    /// Absolute.
    pub url: String,
    /// Without Host, Content-Length and Connection, which the client sets.
    pub headers: Vec<(String, String)>,
    /// Empty for GET.
    pub body: Vec<u8>,
}

impl Call {
    /// Every header field as it goes on the wire, in order: Host, ours, Content-Length.
    pub fn fields(&self) -> Vec<(&str, Cow<'_, str>)> {
        let mut fields = vec![("Host", Cow::Borrowed(self.authority()))];
        for (name, value) in &self.headers {
            fields.push((name, Cow::Borrowed(value.as_str())));
        }
        if self.method != "GET" {
            fields.push(("Content-Length", Cow::Owned(self.body.len().to_string())));
        }
        fields
    }

    fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or("")
    }

    /// The request line's target: what follows scheme, host and port.
    pub fn target(&self) -> Cow<'_, str> {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let target = rest.get(self.authority().len()..).unwrap_or("");
        let target = target.split('#').next().unwrap_or("");
        match target.starts_with('/') {
            true => Cow::Borrowed(target),
            false => Cow::Owned(format!("/{target}")),
        }
    }
}

/// What the provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` as it stands.
    pub retry_after: Option<String>,
    /// `Location` as it stands.
    pub location: Option<String>,
    /// As much of the body as is read of such an answer.
    pub body: Vec<u8>,
    /// Whether the body ended as its framing promised.
    pub end: BodyEnd,
}

/// How a reply's body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// As promised, or at our own limit.
    Whole,
    /// Cut off by the peer, the network or the deadline.
    Cut,
}

/// What became of a message (spec §6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The provider accepted it.
    Sent {
        /// The provider's id, if it gave one that may be shown.
        id: Option<String>,
        /// Further ids, of the parts of a long text.
        parts: Vec<String>,
        /// Why we think so.
        reason: Reason,
    },
    /// Not now: another try, here or elsewhere, cannot send it twice.
    Later {
        /// What stood in the way.
        reason: Reason,
        /// Seconds that the provider asked us to wait.
        retry_after_s: Option<u64>,
        /// What has to wait.
        blame: Blame,
    },
    /// It may have been sent; every further try may be billed again.
    Unsure {
        /// Where the trail ends.
        reason: Reason,
    },
    /// Never, as it stands.
    Refused {
        /// What the provider said.
        reason: Reason,
    },
}

/// What stands in the way of a message that is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The provider or the way to it: every message of the interface waits.
    Interface,
    /// The account, whose credentials or credit the provider refuses: every message of the interface
    /// waits, and the operator must act.
    Account,
    /// This message or its destination: others go on.
    Message,
}

/// Why a [`Verdict`] is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Our own phrase.
    pub cause: Cause,
    /// What the provider says of it, fit to be shown (spec §6.9); empty where it says nothing.
    pub said: String,
}

impl From<Cause> for Reason {
    fn from(cause: Cause) -> Reason {
        Reason {
            cause,
            said: String::new(),
        }
    }
}

/// Our own phrases and status numbers, no word of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The provider's status decided.
    Status(u16),
    /// The provider sends us elsewhere.
    Redirect(u16),
    /// A 2xx whose answer does not hold `response_check`.
    CheckFailed(u16),
    /// An answer that matches `later_check`.
    LaterCheck(u16),
    /// A 2xx whose body ended before the check could be decided.
    Cut(u16),
    /// No status: the step that failed, a fixed phrase of the client's.
    Step(&'static str),
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A provider as the ordering document's example has it.
    pub(crate) fn account() -> Account {
        Account {
            interface: String::new(),
            host: "https://api.example.com".to_owned(),
            path: "/sms/send/".to_owned(),
            key_to: b"To".to_vec(),
            key_from: b"From".to_vec(),
            key_body: b"Body".to_vec(),
            auth: Auth::Basic {
                user: b"id".to_vec(),
                passwd: b"secret".to_vec(),
            },
            format: Format::Form,
            space: Space::Plus,
            values: fill::Values::default(),
            number_format: NumberFormat::AsIs,
            number_format_from: NumberFormat::AsIs,
            charset: Charset::AsIs,
            statics: Vec::new(),
            unicode_statics: Vec::new(),
            long_bytes: NO_LENGTH,
            long_statics: Vec::new(),
            long_message_id: None,
            text_chars_max: NO_LENGTH,
            dlr_statics: Vec::new(),
            dlr_secrets: Vec::new(),
            headers: Vec::new(),
            status_check: Vec::new(),
            response_check: None,
            later_check: None,
            message_id: AnswerPlace::Usual,
            reason: AnswerPlace::Usual,
            check_path: String::new(),
        }
    }

    #[test]
    fn a_text_is_measured_in_bytes_and_in_characters() {
        fn check(text: &[u8], long: bool, too_long: bool) {
            let account = Account {
                long_bytes: 160,
                text_chars_max: 160,
                ..account()
            };
            let text = Text::parse_outbound(text).unwrap_or_else(|_| unreachable!());
            assert_eq!(account.is_long(&text), long, "{text:?}");
            assert_eq!(account.too_long(&text).is_some(), too_long, "{text:?}");
        }
        check(&[b'a'; 159], false, false);
        check(&[b'a'; 160], false, false);
        check(&[b'a'; 161], true, true);
        check("\u{1f600}".repeat(40).as_bytes(), false, false);
        check("\u{1f600}".repeat(41).as_bytes(), true, false);
        check("\u{e9}".repeat(160).as_bytes(), true, false);
        check("\u{e9}".repeat(161).as_bytes(), true, true);
        // No UTF-8: each byte is a character of ISO-8859-1, two bytes of UTF-8.
        check(&[0xe9; 80], false, false);
        check(&[0xe9; 81], true, false);
        check(&[0xe9; 161], true, true);
    }

    #[test]
    fn a_url_is_taken_apart_for_the_wire() {
        fn check(url: &str, host: &str, target: &str) {
            let call = Call {
                method: "GET",
                url: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            assert_eq!(call.target(), target, "{url}");
            assert_eq!(call.fields(), [("Host", Cow::Borrowed(host))]);
        }
        check("https://a", "a", "/");
        check("https://a/", "a", "/");
        check("https://a:8443/b/c?d=/e", "a:8443", "/b/c?d=/e");
        check("http://[::1]:80?x", "[::1]:80", "/?x");
    }
}
