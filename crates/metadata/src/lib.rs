//! Rows, the only truth: SQLite and PostgreSQL behind one set of statements.
