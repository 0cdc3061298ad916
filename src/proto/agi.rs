//! AGI: the environment's end, commands and replies (spec §6.6).
