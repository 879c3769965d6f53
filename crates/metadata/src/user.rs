//! Users: people who sign in with a password. The table is `user_account`, a name that needs no quoting.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, UserId};
use crate::project::Text;
use crate::window::Window;

/// A row of `user_account`.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Its id; never used for another user again.
    pub id: UserId,
    /// The name to sign in with, unique.
    pub name: String,
    /// The address, unique where there is one.
    pub email: Option<String>,
    /// The name for people.
    pub full_name: String,
    /// What the password hashes to, in PHC form.
    pub password_hash: String,
    /// Whether the user may do everything.
    pub administrator: bool,
    /// Whether the user is kept from signing in.
    pub disabled: bool,
    /// When the user was made.
    pub created_at: Micros,
    /// The name of the identity source the user comes from; empty for one of the registry's own.
    pub source: String,
    /// What that source calls the user: a distinguished name, or the `sub` claim.
    pub subject: Option<String>,
    /// What an administrator noted.
    pub comment: String,
    /// When the user was changed last; 0 for never.
    pub updated_at: Micros,
    /// When the user signed in last.
    pub signed_in_at: Option<Micros>,
    /// Whether a group of the source makes the user an administrator.
    pub administrator_by_group: bool,
}

impl User {
    /// May do everything: by being made so, or by a group.
    pub fn is_administrator(&self) -> bool {
        self.administrator || self.administrator_by_group
    }
}

/// Leaves the password's hash out.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("administrator", &self.administrator)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// The name to sign in with.
    pub name: String,
    /// The address.
    pub email: Option<String>,
    /// The name for people.
    pub full_name: String,
    /// What the password hashes to, in PHC form.
    pub password_hash: String,
    /// Whether the user may do everything.
    pub administrator: bool,
    /// What an administrator notes.
    pub comment: String,
    /// Now.
    pub created_at: Micros,
}

/// Makes a user. [`Error::Conflict`] if the name or the address is taken.
pub async fn create(c: &mut Connection, new: &NewUser) -> Result<User> {
    let arguments = [
        (&new.name).into(),
        new.email.as_ref().into(),
        (&new.full_name).into(),
        (&new.password_hash).into(),
        new.administrator.into(),
        new.created_at.into(),
        (&new.comment).into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict {
        what: format!("a user with the name {} or its email exists already", new.name),
    })
}

/// The user of this id.
pub async fn find(c: &mut Connection, id: UserId) -> Result<Option<User>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// The user of this name.
pub async fn find_by_name(c: &mut Connection, name: &str) -> Result<Option<User>> {
    c.query_optional(&FIND_BY_NAME, &[name.into()]).await
}

/// A page of users whose names match, in the order of their names.
pub async fn list(c: &mut Connection, name: &Text, window: Window<&str>) -> Result<Vec<User>> {
    let arguments = [name.pattern(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &arguments).await
}

/// How many users' names match, counted up to `most`.
pub async fn count(c: &mut Connection, name: &Text, most: i64) -> Result<i64> {
    c.query_one(&COUNT, &[name.pattern(), most.into()]).await
}

/// Changes what people know of a user; false if there is none. [`Error::Conflict`] if somebody has the address.
pub async fn update_profile(
    c: &mut Connection,
    id: UserId,
    email: Option<&str>,
    full_name: &str,
    comment: &str,
    now: Micros,
) -> Result<bool> {
    if let Some(email) = email
        && c.query_one(&HAS_ANOTHER, &[id.into(), email.into()]).await?
    {
        return Err(Error::Conflict { what: format!("the address {email} is another user's") });
    }
    let arguments = [id.into(), email.into(), full_name.into(), comment.into(), now.into()];
    c.changes(&UPDATE_PROFILE, &arguments).await
}

/// Notes when a user signed in.
pub async fn update_signed_in(c: &mut Connection, id: UserId, at: Micros) -> Result<bool> {
    c.changes(&UPDATE_SIGNED_IN, &[id.into(), at.into()]).await
}

/// Replaces the password's hash; false if there is no such user.
pub async fn update_password(c: &mut Connection, id: UserId, password_hash: &str) -> Result<bool> {
    c.changes(&UPDATE_PASSWORD, &[id.into(), password_hash.into()]).await
}

/// Makes the user an administrator or not; false if there is no such user.
pub async fn set_administrator(c: &mut Connection, id: UserId, administrator: bool) -> Result<bool> {
    c.changes(&SET_ADMINISTRATOR, &[id.into(), administrator.into()]).await
}

/// Keeps the user from signing in, or lets it again; false if there is no such user.
pub async fn set_disabled(c: &mut Connection, id: UserId, disabled: bool) -> Result<bool> {
    c.changes(&SET_DISABLED, &[id.into(), disabled.into()]).await
}

/// Deletes the user with its memberships and refresh tokens; false if there is no such user.
pub async fn delete(c: &mut Connection, id: UserId) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// How many administrators can sign in. In a transaction the number holds until it ends, so that the last one
/// cannot be lost to two transactions at once.
pub async fn count_administrators(c: &mut Connection) -> Result<i64> {
    c.lock("administrators").await?;
    c.query_one(&COUNT_ADMINISTRATORS, &[]).await
}

impl FromRow for User {
    fn from_row(row: &mut Row) -> Result<User> {
        Ok(User {
            id: row.take("id")?,
            name: row.take("name")?,
            email: row.take("email")?,
            full_name: row.take("full_name")?,
            password_hash: row.take("password_hash")?,
            administrator: row.take("administrator")?,
            disabled: row.take("disabled")?,
            created_at: row.take("created_at")?,
            source: row.take("source")?,
            subject: row.take("subject")?,
            comment: row.take("comment")?,
            updated_at: row.take("updated_at")?,
            signed_in_at: row.take("signed_in_at")?,
            administrator_by_group: row.take("administrator_by_group")?,
        })
    }
}

statements! { "user";
    CREATE = "INSERT INTO user_account (name, email, full_name, password_hash, administrator, disabled, created_at, comment)
        VALUES ($1, $2, $3, $4, $5, FALSE, $6, $7) ON CONFLICT DO NOTHING
        RETURNING id, name, email, full_name, password_hash, administrator, disabled, created_at,
            source, subject, comment, updated_at, signed_in_at, administrator_by_group";
    FIND = "SELECT id, name, email, full_name, password_hash, administrator, disabled, created_at,
            source, subject, comment, updated_at, signed_in_at, administrator_by_group
        FROM user_account WHERE id = $1";
    FIND_BY_NAME = "SELECT id, name, email, full_name, password_hash, administrator, disabled, created_at,
            source, subject, comment, updated_at, signed_in_at, administrator_by_group
        FROM user_account WHERE name = $1";
    LIST = "SELECT id, name, email, full_name, password_hash, administrator, disabled, created_at,
            source, subject, comment, updated_at, signed_in_at, administrator_by_group
        FROM user_account WHERE lower(name) LIKE $1 ESCAPE '\\' AND name > $2 ORDER BY name LIMIT $3 OFFSET $4";
    COUNT = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM user_account
        WHERE lower(name) LIKE $1 ESCAPE '\\' LIMIT $2) counted";
    HAS_ANOTHER = "SELECT EXISTS (SELECT 1 FROM user_account WHERE email = $2 AND id <> $1) AS value";
    UPDATE_PROFILE = "UPDATE user_account SET email = $2, full_name = $3, comment = $4, updated_at = $5 WHERE id = $1";
    UPDATE_SIGNED_IN = "UPDATE user_account SET signed_in_at = $2 WHERE id = $1";
    UPDATE_PASSWORD = "UPDATE user_account SET password_hash = $2 WHERE id = $1";
    SET_ADMINISTRATOR = "UPDATE user_account SET administrator = $2 WHERE id = $1";
    SET_DISABLED = "UPDATE user_account SET disabled = $2 WHERE id = $1";
    DELETE = "DELETE FROM user_account WHERE id = $1";
    COUNT_ADMINISTRATORS = "SELECT COUNT(*) AS value FROM user_account WHERE administrator AND NOT disabled";
}
