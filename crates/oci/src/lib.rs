//! What the OCI specifications call things; no I/O, no asynchrony.
