//! Settings: single values that all nodes share.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::error::Result;

/// The value of a setting.
pub async fn find(c: &mut Connection, key: &str) -> Result<Option<String>> {
    c.query_optional(&FIND, &[key.into()]).await
}

/// Sets what is not set yet and returns the value that stands: of several nodes the first one's.
pub async fn put_if_absent(c: &mut Connection, key: &str, value: &str) -> Result<String> {
    c.execute(&PUT_IF_ABSENT, &[key.into(), value.into()]).await?;
    c.query_one(&FIND, &[key.into()]).await
}

/// Sets it.
pub async fn put(c: &mut Connection, key: &str, value: &str) -> Result<()> {
    c.execute(&PUT, &[key.into(), value.into()]).await.map(|_| ())
}

/// Keeps other transactions that change what `name` stands for waiting until this one has ended.
pub async fn lock(c: &mut Connection, name: &str) -> Result<()> {
    c.lock(name).await
}

statements! { "setting";
    FIND = "SELECT value FROM setting WHERE name = $1";
    PUT_IF_ABSENT = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    PUT = "INSERT INTO setting (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
}
