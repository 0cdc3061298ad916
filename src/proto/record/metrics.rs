//! Encodes counts as the text that Prometheus reads (its exposition format 0.0.4).
//!
//! `# HELP` explains each count to readers of the page; websmsd(8) has the whole table.
//!
//! Invariant: a label is a word of ours or the name of an interface, escaped, so that no name can begin a
//! line of its own.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The figures of incoming SMS.
    pub inbound: Inbound,
    /// The figures of polls, for each interface whose provider is polled.
    pub polls: Vec<Polls>,
    /// The figures of outgoing SMS.
    pub outbound: Outbound,
}

/// The polls of one interface, counted since the daemon started to count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polls {
    /// The interface; empty if there are no indices.
    pub name: String,
    /// The number of polls that came to the list's end.
    pub good: u64,
    /// The number of polls that did not.
    pub failed: u64,
    /// The time of the last good poll, seconds since 1970; 0 if there was none.
    pub last_s: u64,
    /// When the first one after it was that did not; 0: none.
    pub failing_s: u64,
}

/// Counts since the daemon started to count, except for the connections, which are the present ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbound {
    /// The number of SMS that were answered with 200.
    pub accepted: u64,
    /// The time of the last of them, seconds since 1970; 0 if there was none, or the clock was not sane.
    pub last_s: u64,
    /// The number of SMS that had been delivered before.
    pub duplicates: u64,
    /// The number of refused requests by reason, a word of [`crate::proto::wire::response::REASONS`].
    pub refused: Vec<(&'static str, u64)>,
    /// The number of connections that are being served.
    pub connections: u64,
    /// The greatest number of connections.
    pub connections_max: u64,
    /// The inbox; `None` if there is none.
    pub inbox: Option<Queue>,
}

/// The figures of outgoing SMS. Without a folder for our state, none of them is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbound {
    /// The queue; `None` if there is none, or it cannot be read.
    pub queue: Option<Queue>,
    /// The figures of each interface.
    pub interfaces: Vec<Interface>,
}

/// The present figures of the outbound queue, or of the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    /// The number of waiting SMS.
    pub waiting: u64,
    /// The number of SMS that were given up and are kept.
    pub failed: u64,
    /// The age of the oldest waiting SMS in seconds; `None` if its file or the clock does not tell.
    pub oldest_s: Option<u64>,
}

/// The tries over an interface, counted since its counts began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// The name of the interface; empty if there are no indices.
    pub name: String,
    /// The number of SMS that the provider took.
    pub sent: u64,
    /// The time of the last of them, seconds since 1970; 0 if there was none, or the clock was not sane.
    pub last_s: u64,
    /// The number of other tries, by verdict.
    pub failed: Vec<(&'static str, u64)>,
    /// The number of SMS that have arrived and the number that have failed, by delivery reports; `None` if
    /// no reports are asked for.
    pub reported: Option<[u64; 2]>,
}

impl Metrics {
    /// Encodes the page's text.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = Page(Vec::new());
        page.inbound(&self.inbound);
        if let Some(inbox) = &self.inbound.inbox {
            page.waiting(inbox, &INBOX);
        }
        if !self.polls.is_empty() {
            page.polls(&self.polls);
        }
        if let Some(queue) = &self.outbound.queue {
            page.waiting(queue, &QUEUE);
        }
        if !self.outbound.interfaces.is_empty() {
            page.interfaces(&self.outbound.interfaces);
        }
        page.0
    }
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// The names and meanings of the queue's figures.
const QUEUE: [(&str, &str); 3] = [
    ("queue_messages", "SMS that wait to be sent."),
    ("queue_failed_messages", "SMS given up and kept."),
    (
        "queue_oldest_age_seconds",
        "How long the oldest has waited.",
    ),
];

/// The names and meanings of the inbox's figures.
const INBOX: [(&str, &str); 3] = [
    ("inbox_messages", "SMS that wait for Asterisk."),
    (
        "inbox_failed_messages",
        "SMS that Asterisk has not taken in time.",
    ),
    (
        "inbox_oldest_age_seconds",
        "How long the oldest of them has waited.",
    ),
];

/// The text so far.
struct Page(Vec<u8>);

impl Page {
    fn inbound(&mut self, inbound: &Inbound) {
        let name = "in_accepted_total";
        self.family(name, COUNTER, "SMS put into the inbox or Asterisk's spool.");
        self.sample(name, &[], inbound.accepted);
        let name = "in_duplicates_total";
        self.family(name, COUNTER, "SMS that had been delivered before.");
        self.sample(name, &[], inbound.duplicates);
        let name = "in_refused_total";
        self.family(name, COUNTER, "Requests and SMS refused.");
        for (reason, count) in &inbound.refused {
            self.sample(name, &[("reason", reason)], *count);
        }
        if inbound.last_s > 0 {
            let name = "in_last_accepted_timestamp_seconds";
            self.family(name, GAUGE, "When the last SMS came in.");
            self.sample(name, &[], inbound.last_s);
        }
        let name = "connections";
        self.family(name, GAUGE, "Connections served now.");
        self.sample(name, &[], inbound.connections);
        let name = "connections_max";
        self.family(name, GAUGE, "Connections that may be.");
        self.sample(name, &[], inbound.connections_max);
    }

    fn polls(&mut self, polls: &[Polls]) {
        let name = "polls_total";
        self.family(name, COUNTER, "Polls, by what came of them.");
        for it in polls {
            for (result, count) in [("good", it.good), ("failed", it.failed)] {
                let labels = [("interface", it.name.as_str()), ("result", result)];
                self.sample(name, &labels, count);
            }
        }
        let name = "poll_last_good_timestamp_seconds";
        self.family(name, GAUGE, "When the last good poll was.");
        for it in polls.iter().filter(|it| it.last_s > 0) {
            self.sample(name, &[("interface", &it.name)], it.last_s);
        }
    }

    fn waiting(&mut self, queue: &Queue, names: &[(&str, &str); 3]) {
        let [waiting, failed, oldest] = names;
        let figures = [
            (waiting, Some(queue.waiting)),
            (failed, Some(queue.failed)),
            (oldest, queue.oldest_s),
        ];
        for ((name, help), figure) in figures {
            if let Some(figure) = figure {
                self.family(name, GAUGE, help);
                self.sample(name, &[], figure);
            }
        }
    }

    fn interfaces(&mut self, interfaces: &[Interface]) {
        let name = "out_sent_total";
        self.family(name, COUNTER, "SMS the provider took.");
        for it in interfaces {
            self.sample(name, &[("interface", &it.name)], it.sent);
        }
        let name = "out_failed_total";
        self.family(name, COUNTER, "Tries that ended otherwise.");
        for it in interfaces {
            for (verdict, count) in &it.failed {
                let labels = [("interface", it.name.as_str()), ("verdict", verdict)];
                self.sample(name, &labels, *count);
            }
        }
        let families = [
            (
                "out_delivered_total",
                "SMS that have arrived, by their delivery reports.",
            ),
            (
                "out_undelivered_total",
                "SMS the provider took and did not deliver.",
            ),
        ];
        for ((name, help), nth) in families.into_iter().zip(0..) {
            let count = |it: &Interface| it.reported.and_then(|counts| counts.get(nth).copied());
            if interfaces.iter().any(|it| it.reported.is_some()) {
                self.family(name, COUNTER, help);
            }
            for it in interfaces {
                if let Some(count) = count(it) {
                    self.sample(name, &[("interface", &it.name)], count);
                }
            }
        }
        if interfaces.iter().any(|it| it.last_s > 0) {
            let name = "out_last_sent_timestamp_seconds";
            self.family(name, GAUGE, "When the provider took the last SMS.");
            for it in interfaces.iter().filter(|it| it.last_s > 0) {
                self.sample(name, &[("interface", &it.name)], it.last_s);
            }
        }
    }

    /// Adds the two lines before a family's samples.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        for part in [
            "# HELP websms_",
            name,
            " ",
            help,
            "\n# TYPE websms_",
            name,
            " ",
            kind,
            "\n",
        ] {
            self.push(part);
        }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.push("websms_");
        self.push(name);
        let mut before = "{";
        for (label, text) in labels {
            for part in [before, label, "=\""] {
                self.push(part);
            }
            self.escaped(text);
            self.push("\"");
            before = ",";
        }
        if !labels.is_empty() {
            self.push("}");
        }
        self.push(" ");
        self.push(&value.to_string());
        self.push("\n");
    }

    /// Adds a label's value. Three bytes have a special meaning there and are escaped.
    fn escaped(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'\n' => self.push("\\n"),
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                byte => self.0.push(byte),
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn lines(metrics: &Metrics) -> Vec<String> {
        let text = String::from_utf8(metrics.encode()).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    }

    #[test]
    fn a_family_is_announced_and_an_unknown_value_has_no_line() {
        let text = String::from_utf8(Metrics::default().encode()).unwrap();
        assert_eq!(
            text,
            "# HELP websms_in_accepted_total SMS put into the inbox or Asterisk's spool.\n\
             # TYPE websms_in_accepted_total counter\n\
             websms_in_accepted_total 0\n\
             # HELP websms_in_duplicates_total SMS that had been delivered before.\n\
             # TYPE websms_in_duplicates_total counter\n\
             websms_in_duplicates_total 0\n\
             # HELP websms_in_refused_total Requests and SMS refused.\n\
             # TYPE websms_in_refused_total counter\n\
             # HELP websms_connections Connections served now.\n\
             # TYPE websms_connections gauge\n\
             websms_connections 0\n\
             # HELP websms_connections_max Connections that may be.\n\
             # TYPE websms_connections_max gauge\n\
             websms_connections_max 0\n"
        );
    }

    #[test]
    fn every_value_has_its_place() {
        let metrics = Metrics {
            inbound: Inbound {
                accepted: 1,
                last_s: 2,
                duplicates: 3,
                refused: vec![("path", 4), ("busy", 5)],
                connections: 6,
                connections_max: 7,
                inbox: Some(Queue {
                    waiting: 14,
                    failed: 15,
                    oldest_s: None,
                }),
            },
            polls: vec![
                Polls {
                    name: "kiwi".to_owned(),
                    good: 16,
                    failed: 17,
                    last_s: 18,
                    failing_s: 19,
                },
                Polls::default(),
            ],
            outbound: Outbound {
                queue: Some(Queue {
                    waiting: 8,
                    failed: 9,
                    oldest_s: Some(10),
                }),
                interfaces: vec![
                    Interface {
                        name: "kiwi".to_owned(),
                        sent: u64::MAX,
                        last_s: 12,
                        failed: vec![("later", 13)],
                        reported: Some([14, 15]),
                    },
                    Interface::default(),
                ],
            },
        };
        assert_eq!(
            lines(&metrics),
            [
                "websms_in_accepted_total 1",
                "websms_in_duplicates_total 3",
                "websms_in_refused_total{reason=\"path\"} 4",
                "websms_in_refused_total{reason=\"busy\"} 5",
                "websms_in_last_accepted_timestamp_seconds 2",
                "websms_connections 6",
                "websms_connections_max 7",
                "websms_inbox_messages 14",
                "websms_inbox_failed_messages 15",
                "websms_polls_total{interface=\"kiwi\",result=\"good\"} 16",
                "websms_polls_total{interface=\"kiwi\",result=\"failed\"} 17",
                "websms_polls_total{interface=\"\",result=\"good\"} 0",
                "websms_polls_total{interface=\"\",result=\"failed\"} 0",
                "websms_poll_last_good_timestamp_seconds{interface=\"kiwi\"} 18",
                "websms_queue_messages 8",
                "websms_queue_failed_messages 9",
                "websms_queue_oldest_age_seconds 10",
                "websms_out_sent_total{interface=\"kiwi\"} 18446744073709551615",
                "websms_out_sent_total{interface=\"\"} 0",
                "websms_out_failed_total{interface=\"kiwi\",verdict=\"later\"} 13",
                "websms_out_delivered_total{interface=\"kiwi\"} 14",
                "websms_out_undelivered_total{interface=\"kiwi\"} 15",
                "websms_out_last_sent_timestamp_seconds{interface=\"kiwi\"} 12",
            ]
        );
    }

    #[test]
    fn a_name_begins_no_line_and_no_label() {
        let check = |name: &str, expected: &str| {
            let mut metrics = Metrics::default();
            let name = name.to_owned();
            metrics.outbound.interfaces.push(Interface {
                name,
                ..Interface::default()
            });
            let found = lines(&metrics).pop().unwrap();
            assert_eq!(
                found,
                format!("websms_out_sent_total{{interface=\"{expected}\"}} 0")
            );
        };
        check("", "");
        check("a b", "a b");
        check("a\"} 1", "a\\\"} 1");
        check("a\\", "a\\\\");
        check("a\nb 1", "a\\nb 1");
        check("a\r\u{7f}{},#=", "a\r\u{7f}{},#=");
        check("ünï\u{202e}", "ünï\u{202e}");
    }
}
