//! A SIP or tel address → its user part (spec §6.1).

/// The user part of `"Ann" <sip:+12025550160@pbx;x=y>`, `sip:…`, `sips:…`, `tel:…`, `pjsip:…`;
/// anything else as it is.
pub fn reduce(_address: &[u8]) -> Vec<u8> {
    unimplemented!()
}
