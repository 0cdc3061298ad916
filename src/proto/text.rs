//! A text → its SMS segments; what is machine chatter (spec §6.7, §6.8).
