//! Programs that want a terminal.
