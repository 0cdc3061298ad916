//! A delivery report was the end of an SMS → whoever wants to know is told (spec §14).

use super::ends::run_hook;
use super::notice;
use crate::config::Config;
use crate::outbound::{count_report, log};
use crate::proto::record::hook::Event;
use crate::proto::record::sent::Record;

/// Tells the log and the counts of it, and of a failure the operator's program and the phone that sent the
/// SMS. No text is told: none is known any more.
pub fn reported(config: &Config, record: &Record) {
    let (sms, failure) = (record.sms(), record.failure());
    log::reported(&sms, failure, config.log_numbers);
    count_report(config, sms.interface, failure.is_some());
    if let (Some(reason), Some(item)) = (failure, record.item()) {
        notice::tell_undelivered(config, &item);
        run_hook(config, &item, sms.interface, Event::Undelivered(reason));
    }
}
