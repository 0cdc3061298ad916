//! `websmsd`: load the configuration, bind, accept for ever, reload.
