//! A delivery report was the end of an SMS → whoever wants to know is told (spec §14).

use super::notice;
use crate::config::Config;
use crate::outbound::{count_report, log};
use crate::proto::record::hook::{self, Event};
use crate::proto::record::sent::Record;
use crate::sys::hook::{Run, start};

/// Tells the log and the counts of it, and of a failure the operator's program and the phone that sent the
/// SMS. No text is told: none is known any more.
pub fn reported(config: &Config, record: &Record) {
    let (sms, failure) = (record.sms(), record.failure());
    log::reported(&sms, failure, config.log_numbers);
    count_report(config, sms.interface, failure.is_some());
    let Some(reason) = failure else {
        return;
    };
    notice::tell_undelivered(config, &sms, reason);
    if let Some(program) = &config.queue.on_failure {
        let event = Event::Undelivered(reason);
        start(Run {
            label: format!("{} {}", sms.id, event.key()),
            program: program.clone(),
            environment: hook::environment(event, sms.id, sms.interface, sms.to, sms.from),
            input: Vec::new(),
        });
    }
}
