//! What can go wrong with rows, in words for an operator. No text ever holds a password.

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error type for both engines. It is `Clone` because one failed commit fails every transaction in its group.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The row is already there, or something still points to the row that was to go.
    #[error("{what}")]
    Conflict {
        /// The row and what is in its way.
        what: String,
    },
    /// A row that was to be pointed to is gone or never was.
    #[error("{what}")]
    Missing {
        /// The statement and the engine's words for the broken reference.
        what: String,
    },
    /// A transaction adds more to a project than it may hold.
    #[error("{adding} bytes more would bring project {project} from {used} over its quota of {limit} bytes")]
    OverQuota {
        /// The project's name.
        project: String,
        /// Bytes that were to be added.
        adding: i64,
        /// Bytes that it is charged for.
        used: i64,
        /// Bytes that it may be charged for.
        limit: i64,
    },
    /// A text holds a character that the engine cannot keep; PostgreSQL has no NUL.
    #[error("{statement} was given a text that the database cannot keep: {reason}")]
    Text {
        /// The statement.
        statement: String,
        /// The engine's words.
        reason: String,
    },
    /// The engine cannot be reached, is starting, or did not answer in time: worth trying again.
    #[error("database {database} cannot be reached: {reason}")]
    Unavailable {
        /// `host:port/database`, or the path of the file.
        database: String,
        /// What the engine or the network said.
        reason: String,
    },
    /// Another process serves this SQLite file.
    #[error(
        "database {path} is in use by process {pid} on host {host}; a SQLite file serves one process: stop that one \
         first, name another folder by --data, or use PostgreSQL for several nodes (database.url)"
    )]
    Locked {
        /// Path of the database file.
        path: String,
        /// Host of the process that has it.
        host: String,
        /// Its process id there.
        pid: String,
    },
    /// The schema is older than this binary; it has to be migrated first.
    #[error("database schema is at version {found} and this binary needs {expected}; run hythe migrate")]
    SchemaOld {
        /// Version of the database; 0 is an empty one.
        found: i64,
        /// Version that this binary was made for.
        expected: i64,
    },
    /// The schema is newer than this binary.
    #[error("database schema is at version {found}, newer than this binary's {expected}; run a newer hythe")]
    SchemaTooNew {
        /// Version of the database.
        found: i64,
        /// Version that this binary was made for.
        expected: i64,
    },
    /// A migration was applied with a text other than the one in this binary.
    #[error(
        "database migration {version} ({name}) was applied with other contents (checksum {found}, this binary has \
         {expected}); the database was made by another build, restore a backup or run that build"
    )]
    SchemaChanged {
        /// The migration's number.
        version: i64,
        /// Its name.
        name: String,
        /// The checksum in the database.
        found: String,
        /// The checksum of the text in this binary.
        expected: String,
    },
    /// Rows were to be loaded into a database that has some.
    #[error(
        "the database is not empty: table {table} has rows; rows are loaded only into an empty one \
         (another file, or a new database made by CREATE DATABASE)"
    )]
    NotEmpty {
        /// The first table that has rows.
        table: String,
    },
    /// The portable form of the rows cannot be read or written.
    #[error("the backup is not usable: {reason}")]
    Portable {
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A row holds what the program never writes.
    #[error("database row of statement {statement} is damaged in column {column}: {reason}")]
    Corrupt {
        /// The statement that read it.
        statement: String,
        /// The column.
        column: &'static str,
        /// What was there.
        reason: String,
    },
    /// There is no room for another row.
    #[error("database {database} has no room left: {reason}")]
    Full {
        /// `host:port/database`, or the path of the file.
        database: String,
        /// The engine's words.
        reason: String,
    },
    /// Rows can be read and not written.
    #[error("database {database} can only be read: {reason}")]
    ReadOnly {
        /// `host:port/database`, or the path of the file.
        database: String,
        /// The engine's words.
        reason: String,
    },
    /// The address in the configuration is not one.
    #[error("database.url is not usable: {reason}")]
    Url {
        /// What is wrong with it; never the address itself, which may hold a password.
        reason: String,
    },
    /// Anything else the engine refused: a bug here or a fault there.
    #[error("database failed in {statement}: {reason}")]
    Engine {
        /// The statement or step.
        statement: String,
        /// The engine's words.
        reason: String,
    },
}
