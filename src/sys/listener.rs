//! Bound sockets, connection slots, named threads with a fixed stack.
