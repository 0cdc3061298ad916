//! Remembers facts about interfaces, and about messages that a provider forbids.

use crate::proto::record::envelope::QueueName;
use crate::proto::sorted::Sorted;

/// Facts that are forgotten when the process ends, and learned anew.
#[derive(Default)]
pub struct Standing {
    /// Interfaces whose account the provider refuses, so that this is logged once.
    refused: Sorted<String>,
    /// The number of SMS sent over each interface.
    sent: Sorted<String, u64>,
    /// The number of SMS sent when the provider first forbade each message.
    forbidden: Sorted<QueueName, u64>,
}

impl Standing {
    /// Records that a message was sent over the interface.
    pub fn sent(&mut self, via: &str) {
        self.answered(via);
        let sent = self.sent_over(via).saturating_add(1);
        self.sent.insert(via.to_owned(), sent);
    }

    /// Records that the provider answered, so that it accepts the account.
    pub fn answered(&mut self, via: &str) {
        self.refused.remove(via);
    }

    /// Records that the provider refuses the account. Returns whether that is new.
    pub fn refuses_account(&mut self, via: &str) -> bool {
        let is_news = !self.refused.contains(via);
        self.refused.insert(via.to_owned(), ());
        is_news
    }

    /// Records that the provider forbids a message. Returns whether others were sent over the interface
    /// since it first did, so that the account itself is not forbidden.
    pub fn forbids(&mut self, name: &QueueName, via: &str) -> bool {
        let sent = self.sent_over(via);
        match self.forbidden.get(name) {
            Some(before) => *before < sent,
            None => {
                self.forbidden.insert(name.clone(), sent);
                false
            }
        }
    }

    /// Forgets messages that no longer wait.
    pub fn retain(&mut self, waits: impl Fn(&QueueName) -> bool) {
        self.forbidden.retain(|name, _| waits(name));
    }

    fn sent_over(&self, via: &str) -> u64 {
        self.sent.get(via).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(order: u64) -> QueueName {
        QueueName {
            order,
            id: format!("{order:016x}"),
            destination: order,
            interface: 0,
        }
    }

    #[test]
    fn a_refused_account_is_news_until_the_provider_takes_it_again() {
        let mut standing = Standing::default();
        assert!(standing.refuses_account("a"));
        assert!(!standing.refuses_account("a"));
        assert!(standing.refuses_account("b"));
        standing.answered("a");
        assert!(standing.refuses_account("a"));
        standing.sent("b");
        assert!(standing.refuses_account("b"));
    }

    #[test]
    fn a_message_is_forbidden_for_good_when_another_went_there_meanwhile() {
        let mut standing = Standing::default();
        standing.sent("a");
        assert!(!standing.forbids(&name(1), "a"), "one that went before");
        assert!(!standing.forbids(&name(1), "a"));
        standing.sent("b");
        assert!(!standing.forbids(&name(1), "a"), "another interface");
        standing.sent("a");
        assert!(standing.forbids(&name(1), "a"));
        assert!(
            !standing.forbids(&name(2), "a"),
            "it is forbidden first now"
        );
        standing.retain(|waiting| *waiting != name(1));
        assert!(!standing.forbids(&name(1), "a"));
    }
}
