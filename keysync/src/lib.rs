//! ks
