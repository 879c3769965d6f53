//! Leases: background work that one node does at a time. They end by themselves, and their fence counts up.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::error::Result;
use crate::ids::Micros;

/// Takes the lease until `until`, if nobody has it at `now`, and returns its fence.
pub async fn take(
    c: &mut Connection,
    name: &str,
    holder: &str,
    until: Micros,
    now: Micros,
) -> Result<Option<i64>> {
    c.query_optional(&TAKE, &[name.into(), holder.into(), until.into(), now.into()]).await
}

/// Prolongs the lease; false if somebody else has taken it since.
pub async fn renew(c: &mut Connection, name: &str, fence: i64, until: Micros) -> Result<bool> {
    c.changes(&RENEW, &[name.into(), fence.into(), until.into()]).await
}

/// Gives the lease back; false if somebody else has taken it since.
pub async fn release(c: &mut Connection, name: &str, fence: i64) -> Result<bool> {
    c.changes(&RELEASE, &[name.into(), fence.into()]).await
}

statements! { "lease";
    TAKE = "INSERT INTO lease (name, holder, fence, expires_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder, fence = lease.fence + 1, expires_at = excluded.expires_at
        WHERE lease.expires_at <= $4
        RETURNING fence AS value";
    RENEW = "UPDATE lease SET expires_at = $3 WHERE name = $1 AND fence = $2";
    RELEASE = "UPDATE lease SET expires_at = 0 WHERE name = $1 AND fence = $2";
}
