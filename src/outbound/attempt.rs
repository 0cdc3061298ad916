//! Makes one attempt to send one message over one interface: counts it, and remembers an SMS that was sent.

use super::outcome::{Outcome, Status};
use super::{sent, tally};
use crate::config::{self, Config, Outgoing};
use crate::message::Message;
use crate::proto::provider::{self, Blame, Call, Cause, Private, Reason, Verdict};
use crate::proto::record::envelope::Item;
use crate::sys::client::{self, Failure};
use crate::sys::clock::{self, Deadline};

/// Makes one try over one interface, and counts it. An error is a fault of the configuration.
pub fn attempt(
    item: &Item,
    outgoing: &Outgoing,
    config: &Config,
    deadline: &Deadline,
) -> Result<Verdict, Outcome> {
    let message = &item.message;
    let account = &outgoing.account;
    let call =
        provider::encode(message, account, clock::now_s()).map_err(|fault| bad_account(&fault))?;
    let verdict = match client::post(&call, &connection(&outgoing.client), deadline) {
        Ok(reply) => {
            let private = Private {
                message,
                numbers: config.log_numbers,
            };
            provider::judge(&reply, account, &private, clock::now_s())
        }
        Err(Failure::Setup(phrase)) => return Err(Outcome::new(Status::Fault, phrase)),
        Err(Failure::Unwritten(phrase)) => Verdict::Later {
            reason: step(phrase, &call, &outgoing.client),
            retry_after_s: None,
            blame: Blame::Interface,
        },
        Err(Failure::Unanswered(phrase)) => Verdict::Unsure {
            reason: step(phrase, &call, &outgoing.client),
        },
    };
    tally::count(config, &account.interface, &verdict);
    sent::remember(config, &account.interface, item, &verdict);
    Ok(verdict)
}

fn step(phrase: &'static str, call: &Call, client: &config::Client) -> Reason {
    Reason {
        cause: Cause::Step(phrase),
        said: server(call, client),
    }
}

/// Names the server of a call by host and port, and the proxy through which it is reached.
pub fn server(call: &Call, client: &config::Client) -> String {
    let mut server = provider::host(&call.url).to_owned();
    if let Some(proxy) = &client.proxy {
        server.push_str(" through ");
        server.push_str(provider::host(proxy));
    }
    server
}

/// Returns the request that [`attempt`] would make, with masked secrets.
pub fn preview(message: &Message, outgoing: &Outgoing) -> Result<Vec<u8>, Outcome> {
    provider::preview(message, &outgoing.account, clock::now_s())
        .map_err(|fault| bad_account(&fault))
}

fn bad_account(fault: &provider::BadAccount) -> Outcome {
    Outcome::new(Status::Fault, fault.to_string())
}

/// Makes the client's settings from a configuration.
pub fn connection(client: &config::Client) -> client::Settings<'_> {
    client::Settings {
        proxy: client.proxy.as_deref(),
        trust: match &client.trust {
            config::Trust::Roots { ca_file } => client::Trust::Roots {
                ca_file: ca_file.as_deref(),
            },
            config::Trust::Anybody => client::Trust::Anybody,
        },
    }
}
