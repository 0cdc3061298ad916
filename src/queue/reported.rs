//! Announces the end of an SMS that a delivery report brought (spec §14).

use super::ends::run_hook;
use super::notice;
use crate::config::Config;
use crate::outbound::{count_report, log};
use crate::proto::record::hook::Event;
use crate::proto::record::sent::Record;

/// Reports the end to the log and the counts, and a failure also to the operator's program and to the phone
/// that sent the SMS. No text is included, because none is known any more.
pub fn reported(config: &Config, record: &Record) {
    let (sms, failure) = (record.sms(), record.failure());
    log::reported(&sms, failure, config.log_numbers);
    count_report(config, sms.interface, failure.is_some());
    if let (Some(reason), Some(item)) = (failure, record.item()) {
        notice::tell_undelivered(config, &item);
        run_hook(config, &item, sms.interface, Event::Undelivered(reason));
    }
}
