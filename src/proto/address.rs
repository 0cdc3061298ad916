//! A SIP or tel address → its user part (spec §6.1).
