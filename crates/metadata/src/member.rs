//! Members: which user has which role in which project. Roles are Harbor's: 1 projectAdmin, 2 developer,
//! 3 guest, 4 maintainer, 5 limitedGuest.

use hythe_oci::name::ProjectName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, UserId};

/// A row of `member`, with the user's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The project.
    pub project_id: ProjectId,
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub user_name: String,
    /// The role's id.
    pub role: i16,
    /// Since when the user is a member.
    pub created_at: Micros,
}

/// Gives the user this role in the project, whatever it had before. [`Error::Missing`](crate::Error::Missing) if
/// one of the two does not exist.
pub async fn set(
    c: &mut Connection,
    project_id: ProjectId,
    user_id: UserId,
    role: i16,
    now: Micros,
) -> Result<()> {
    c.execute(&SET, &[project_id.into(), user_id.into(), role.into(), now.into()]).await.map(|_| ())
}

/// Ends the membership; false if there was none.
pub async fn remove(c: &mut Connection, project_id: ProjectId, user_id: UserId) -> Result<bool> {
    c.changes(&REMOVE, &[project_id.into(), user_id.into()]).await
}

/// The user's role in the project of this name, in one read.
pub async fn role(c: &mut Connection, project: &ProjectName, user_id: UserId) -> Result<Option<i16>> {
    c.query_optional(&ROLE, &[project.into(), user_id.into()]).await
}

/// A page of the project's members in the order of their names, after the name `after`.
pub async fn list(
    c: &mut Connection,
    project_id: ProjectId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Member>> {
    c.query(&LIST, &[project_id.into(), after.unwrap_or("").into(), limit.into()]).await
}

impl FromRow for Member {
    fn from_row(row: &mut Row) -> Result<Member> {
        Ok(Member {
            project_id: row.take("project_id")?,
            user_id: row.take("user_id")?,
            user_name: row.take("user_name")?,
            role: row.take("role")?,
            created_at: row.take("created_at")?,
        })
    }
}

statements! { "member";
    SET = "INSERT INTO member (project_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role";
    REMOVE = "DELETE FROM member WHERE project_id = $1 AND user_id = $2";
    ROLE = "SELECT m.role AS value FROM project p JOIN member m ON m.project_id = p.id
        WHERE p.name = $1 AND m.user_id = $2";
    LIST = "SELECT m.project_id, m.user_id, u.name AS user_name, m.role, m.created_at
        FROM member m JOIN user_account u ON u.id = m.user_id
        WHERE m.project_id = $1 AND u.name > $2 ORDER BY u.name LIMIT $3";
}
