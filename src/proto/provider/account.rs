//! Plain values: an interface's account, a call to its provider, the reply, and the verdict on it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use super::fill;
use super::sign::Auth;
use crate::message::Text;
use crate::proto::grammar::Alternatives;
use crate::proto::wire::number::NumberFormat;

/// The settings that shape a request of one interface (`[websms]`).
#[derive(Debug, Clone)]
pub struct Account {
    /// The interface's index; empty if it has none.
    pub interface: String,
    /// The scheme and the host; `config` has added the scheme.
    pub host: String,
    /// The path, appended to `host` unchanged.
    pub path: String,
    /// The recipient's parameter: in JSON a path (`messages[0].to`), otherwise a name. A name is sent
    /// unchanged, brackets included, because PHP and similar servers spell paths that way (`to[]`).
    pub key_to: Vec<u8>,
    /// The sender's parameter, like `key_to`.
    pub key_from: Vec<u8>,
    /// The text's parameter, like `key_to`.
    pub key_body: Vec<u8>,
    /// The credentials and how requests prove them.
    pub auth: Auth,
    /// The format in which parameters are sent.
    pub format: Format,
    /// The spelling of a blank in a form or a query.
    pub space: Space,
    /// The values of the placeholders in `path`, `statics`, `unicode_statics` and `headers`.
    pub values: fill::Values,
    /// The form in which the destination's number is sent.
    pub number_format: NumberFormat,
    /// The form in which the sender's number is sent.
    pub number_format_from: NumberFormat,
    /// The treatment of characters above U+FFFF.
    pub charset: Charset,
    /// `val_static`: parameters with fixed values, in order.
    pub statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `unicode_static`: parameters added to a text outside GSM 03.38, in order. They replace those of
    /// `statics` with the same names.
    pub unicode_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `long_bytes`: a text with more bytes of UTF-8 counts as long. With [`NO_LENGTH`], no text is long.
    pub long_bytes: usize,
    /// `long_static`: parameters that replace those of `statics` with the same names in a long text, in
    /// order.
    pub long_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// `long_key_message_id`: used instead of `message_id` for a long text.
    pub long_message_id: Option<AnswerPlace>,
    /// `text_chars_max`: a text with more characters is refused before it is sent. With [`NO_LENGTH`], none
    /// is refused.
    pub text_chars_max: usize,
    /// `dlr_static`: parameters added if delivery reports are asked for, in order. They replace all of the
    /// above with the same names.
    pub dlr_statics: Vec<(Vec<u8>, Vec<u8>)>,
    /// The secrets in the address that `dlr_statics` names, also as they are encoded there.
    pub dlr_secrets: Vec<Vec<u8>>,
    /// `headers`: additional headers, in order.
    pub headers: Vec<(String, String)>,
    /// The statuses that may mean sent; empty means every 2xx.
    pub status_check: Vec<u16>,
    /// The condition under which an answer with such a status means sent; `None` means always.
    pub response_check: Option<Check>,
    /// The condition under which an answer means that the SMS must be tried again later.
    pub later_check: Option<Check>,
    /// The place of the provider's message id in an answer.
    pub message_id: AnswerPlace,
    /// The place of the reason for which a message was not accepted.
    pub reason: AnswerPlace,
    /// The path, appended to `host`, of a GET that checks the credentials and sends nothing. Empty if none
    /// is known.
    pub check_path: String,
}

/// A length that no text reaches.
pub const NO_LENGTH: usize = usize::MAX;

impl Account {
    /// Whether `long_static` and `long_key_message_id` apply to a text (spec §6.10).
    pub fn is_long(&self, text: &Text) -> bool {
        text.to_utf8().len() > self.long_bytes
    }

    /// Returns the reason why a text is not sent if it has more characters than the provider takes.
    pub fn too_long(&self, text: &Text) -> Option<String> {
        let (chars, chars_max) = (text.chars(), self.text_chars_max);
        (chars > chars_max)
            .then(|| format!("the text is {chars} characters, text_chars_max is {chars_max}"))
    }
}

/// The place of a value in an answer (`key_message_id`, `key_reason`).
#[derive(Debug, Clone)]
pub enum AnswerPlace {
    /// The value has the first of the usual names.
    Usual,
    /// The value is at the first of these keys or paths that the JSON answer has.
    Keys(Alternatives),
    /// The value is the first group of a regex, or its whole match if it has no group.
    Regex(regex_lite::Regex),
}

/// The format of a request (`format`).
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

/// The spelling of a blank (`space`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// `+`, as usual in forms.
    Plus,
    /// `%20`, for providers that take `+` literally.
    Percent20,
}

/// The treatment of characters above U+FFFF (`charset`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charset {
    /// Text is sent unchanged.
    AsIs,
    /// `UCS-2`: characters above U+FFFF become U+FFFD.
    Ucs2,
    /// `key=value`: this parameter is added if the text has such a character.
    Parameter(Vec<u8>, Vec<u8>),
}

/// A condition on an answer (`response_check`, `later_check`).
#[derive(Debug, Clone)]
pub enum Check {
    /// `key=value`: the JSON answer has the key, at any depth, with this value; the last such key counts. A
    /// path with `[]` in it must hold for every element of that list, which must not be empty.
    KeyValue(Vec<u8>, Vec<u8>),
    /// `/regex/flags`: the regex matches the raw answer.
    Regex(regex_lite::Regex),
}

/// One complete HTTP request to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method: `POST`, `GET` or `PUT`.
    pub method: &'static str,
    /// The absolute URL.
    pub url: String,
    /// The headers without Host, Content-Length and Connection, which the client sets.
    pub headers: Vec<(String, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
}

impl Call {
    /// Returns every header field as it is sent, in order: Host, our own, Content-Length.
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

    /// Returns the target of the request line: the part of the URL behind scheme, host and port.
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

/// The provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Retry-After`, unchanged.
    pub retry_after: Option<String>,
    /// The value of `Location`, unchanged.
    pub location: Option<String>,
    /// The body, up to the limit for such an answer.
    pub body: Vec<u8>,
    /// Whether the body ended as its framing promised.
    pub end: BodyEnd,
}

/// The way in which a reply's body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// The body ended where its framing says, or at our own limit.
    Whole,
    /// The body was cut off by the peer, the network or the deadline.
    Cut,
}

/// The result of an attempt to send a message (spec §6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The provider accepted it.
    Sent {
        /// The provider's id, if the provider gave one that may be shown.
        id: Option<String>,
        /// The ids of the further parts of a long text.
        parts: Vec<String>,
        /// The reason for this verdict.
        reason: Reason,
    },
    /// The provider did not accept it now. Another try, here or elsewhere, cannot send it twice.
    Later {
        /// The obstacle.
        reason: Reason,
        /// The number of seconds that the provider asked us to wait.
        retry_after_s: Option<u64>,
        /// The scope of the failure: the interface, the account or this message.
        blame: Blame,
    },
    /// It may have been sent; every further try may be billed again.
    Unsure {
        /// The last thing that is known.
        reason: Reason,
    },
    /// The provider will never accept it as it is.
    Refused {
        /// The reason, with the provider's own words.
        reason: Reason,
    },
}

/// The scope of a failure after which a message is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The provider or the way to it. Every message of the interface waits.
    Interface,
    /// The account: the provider refuses its credentials or it has no credit. Every message of the
    /// interface waits, and the operator must act.
    Account,
    /// This message or its destination. Other messages go on.
    Message,
}

/// The reason for a [`Verdict`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The cause, in our own words.
    pub cause: Cause,
    /// The provider's words, fit to be shown (spec §6.9); empty if it says nothing. For [`Cause::Step`], the
    /// server that was tried.
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

/// The causes of verdicts: our own phrases and status numbers, without any word of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The provider's status decided.
    Status(u16),
    /// The provider redirects the request.
    Redirect(u16),
    /// The answer is a 2xx for which `response_check` does not hold.
    CheckFailed(u16),
    /// The answer matches `later_check`.
    LaterCheck(u16),
    /// The answer is a 2xx whose body ended before the check could be decided.
    Cut(u16),
    /// There is no status. This names the step that failed, as a fixed phrase of the client.
    Step(&'static str),
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns an account like the example in the specification.
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
        // These bytes are not UTF-8: each counts as a character of ISO-8859-1, which is two bytes of UTF-8.
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
