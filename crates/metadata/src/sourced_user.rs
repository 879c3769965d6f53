//! Users who come from an identity source: found by what the source calls them, made and renewed when they sign in.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::error::Result;
use crate::ids::{Micros, UserId};

/// A user as the source describes them.
#[derive(Clone, Debug)]
pub struct SourcedUser {
    /// The source's name.
    pub source: String,
    /// What the source calls them, for ever.
    pub subject: String,
    /// The name to sign in with; used when the user is made.
    pub name: String,
    /// The address.
    pub email: Option<String>,
    /// The name for people.
    pub full_name: String,
    /// Whether a group makes them an administrator.
    pub administrator_by_group: bool,
}

/// The id of the user whom this source calls so.
pub async fn find(c: &mut Connection, source: &str, subject: &str) -> Result<Option<UserId>> {
    c.query_optional(&FIND, &[source.into(), subject.into()]).await
}

/// Makes the user; none if the name is taken. An address that another user has is left out: people do not lose their
/// sign-in over it.
pub async fn create(c: &mut Connection, user: &SourcedUser, now: Micros) -> Result<Option<UserId>> {
    let email = free_email(c, user, 0).await?;
    let arguments = [
        (&user.name).into(),
        email.into(),
        (&user.full_name).into(),
        (&user.source).into(),
        (&user.subject).into(),
        user.administrator_by_group.into(),
        now.into(),
    ];
    c.query_optional(&CREATE, &arguments).await
}

/// Writes what the source says now, where it is something else than before; whether it was. The name stays.
pub async fn update(c: &mut Connection, id: UserId, user: &SourcedUser, now: Micros) -> Result<bool> {
    let email = free_email(c, user, id).await?;
    let arguments =
        [id.into(), email.into(), (&user.full_name).into(), user.administrator_by_group.into(), now.into()];
    c.changes(&UPDATE, &arguments).await
}

/// Takes away the rights that groups gave, as for somebody the source no longer knows.
pub async fn remove_administrator_by_group(c: &mut Connection, id: UserId, now: Micros) -> Result<bool> {
    c.changes(&REMOVE_ADMINISTRATOR, &[id.into(), now.into()]).await
}

async fn free_email(c: &mut Connection, user: &SourcedUser, id: UserId) -> Result<Option<String>> {
    let Some(email) = &user.email else { return Ok(None) };
    let taken: bool = c.query_one(&EMAIL_IS_TAKEN, &[email.into(), id.into()]).await?;
    Ok((!taken).then(|| email.clone()))
}

statements! { "sourced_user";
    FIND = "SELECT id AS value FROM user_account WHERE source = $1 AND subject = $2";
    CREATE = "INSERT INTO user_account (name, email, full_name, password_hash, administrator, disabled, created_at,
            source, subject, administrator_by_group, updated_at)
        VALUES ($1, $2, $3, '', FALSE, FALSE, $7, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id AS value";
    UPDATE = {
        sqlite: "UPDATE user_account SET email = $2, full_name = $3, administrator_by_group = $4, updated_at = $5
            WHERE id = $1 AND (email IS NOT $2 OR full_name <> $3 OR administrator_by_group <> $4)",
        postgres: "UPDATE user_account SET email = $2, full_name = $3, administrator_by_group = $4, updated_at = $5
            WHERE id = $1 AND (email IS DISTINCT FROM $2 OR full_name <> $3 OR administrator_by_group <> $4)",
    };
    REMOVE_ADMINISTRATOR = "UPDATE user_account SET administrator_by_group = FALSE, updated_at = $2
        WHERE id = $1 AND administrator_by_group";
    EMAIL_IS_TAKEN = "SELECT EXISTS (SELECT 1 FROM user_account WHERE email = $1 AND id <> $2) AS value";
}
