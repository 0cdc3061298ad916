//! A text → its SMS segments; what is machine chatter (spec §6.7, §6.8).

/// How a text travels over the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 03.38, seven bits a character.
    Gsm,
    /// UCS-2 (UTF-16), sixteen.
    Ucs2,
}

/// The alphabet that `text` needs and the number of SMS it takes; 1 for an empty text.
pub fn segments(_text: &str) -> (Alphabet, usize) {
    unimplemented!()
}

/// Whether a text is a delivery notice or a typing notice of a SIP client (spec §6.8).
pub fn is_chatter(_text: &[u8]) -> bool {
    unimplemented!()
}
