//! Members: which user or group has which role in which project. Roles are Harbor's (1 projectAdmin, 2 developer,
//! 3 guest, 4 maintainer, 5 limitedGuest) or an administrator's own, from 100.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{GroupId, Micros, ProjectId, UserId};
use crate::window::Window;

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

impl Entity {
    /// The user, if it is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Entity::User(id) => Some(id),
            Entity::Group(_) => None,
        }
    }

    /// The group, if it is one.
    pub fn group(self) -> Option<GroupId> {
        match self {
            Entity::Group(id) => Some(id),
            Entity::User(_) => None,
        }
    }

    /// Takes the two columns of which one is set.
    pub(crate) fn take(row: &mut Row) -> Result<Entity> {
        let (user, group): (Option<i64>, Option<i64>) = (row.take("user_id")?, row.take("group_id")?);
        match (user, group) {
            (Some(id), None) => Ok(Entity::User(id)),
            (None, Some(id)) => Ok(Entity::Group(id)),
            _ => Err(row.corrupt("group_id", "one of user_id and group_id must be set".to_owned())),
        }
    }
}

/// A row of `member`, with the entity's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: i64,
    /// The project.
    pub project_id: ProjectId,
    /// Who.
    pub entity: Entity,
    /// The entity's name.
    pub name: String,
    /// The role's id.
    pub role: i64,
    /// Since when.
    pub created_at: Micros,
}

/// Makes an entity a member. [`Error::Conflict`] if it is one already, [`Error::Missing`] if one of the two does not
/// exist.
pub async fn create(
    c: &mut Connection,
    project_id: ProjectId,
    entity: Entity,
    role: i64,
    now: Micros,
) -> Result<i64> {
    let arguments = [project_id.into(), entity.user().into(), entity.group().into(), role.into(), now.into()];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: "the membership exists already".to_owned() })
}

/// The membership of this id in the project.
pub async fn find(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<Option<Member>> {
    c.query_optional(&FIND, &[project_id.into(), id.into()]).await
}

/// The membership of this entity in the project.
pub async fn find_by_entity(
    c: &mut Connection,
    project_id: ProjectId,
    entity: Entity,
) -> Result<Option<Member>> {
    c.query_optional(&FIND_BY_ENTITY, &[project_id.into(), entity.user().into(), entity.group().into()]).await
}

/// Changes the role; false if there is no such member.
pub async fn update_role(c: &mut Connection, project_id: ProjectId, id: i64, role: i64) -> Result<bool> {
    c.changes(&UPDATE_ROLE, &[project_id.into(), id.into(), role.into()]).await
}

/// Ends the membership; false if there was none.
pub async fn delete(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[project_id.into(), id.into()]).await
}

/// A page of the project's members whose names contain `part`, in the order of names and ids.
pub async fn list(
    c: &mut Connection,
    project_id: ProjectId,
    part: &str,
    window: Window<(&str, i64)>,
) -> Result<Vec<Member>> {
    let (name, id) = window.after;
    let arguments =
        [project_id.into(), part.into(), name.into(), id.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &arguments).await
}

/// How many members have names that contain `part`, counted up to `most`.
pub async fn count(c: &mut Connection, project_id: ProjectId, part: &str, most: i64) -> Result<i64> {
    c.query_one(&COUNT, &[project_id.into(), part.into(), most.into()]).await
}

/// How many members of each role the project has: role and number.
pub async fn count_by_role(c: &mut Connection, project_id: ProjectId) -> Result<Vec<(i64, i64)>> {
    let counts: Vec<RoleCount> = c.query(&COUNT_BY_ROLE, &[project_id.into()]).await?;
    Ok(counts.into_iter().map(|count| (count.role, count.members)).collect())
}

impl FromRow for Member {
    fn from_row(row: &mut Row) -> Result<Member> {
        Ok(Member {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            entity: Entity::take(row)?,
            name: row.take("name")?,
            role: row.take("role")?,
            created_at: row.take("created_at")?,
        })
    }
}

struct RoleCount {
    role: i64,
    members: i64,
}

impl FromRow for RoleCount {
    fn from_row(row: &mut Row) -> Result<RoleCount> {
        Ok(RoleCount { role: row.take("role")?, members: row.take("members")? })
    }
}

statements! { "member";
    CREATE = "INSERT INTO member (project_id, user_id, group_id, role, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING id AS value";
    FIND = "SELECT m.id, m.project_id, m.user_id, m.group_id, COALESCE(u.name, g.name) AS name, m.role, m.created_at
        FROM member m LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
        WHERE m.project_id = $1 AND m.id = $2";
    FIND_BY_ENTITY = "SELECT m.id, m.project_id, m.user_id, m.group_id, COALESCE(u.name, g.name) AS name, m.role,
            m.created_at
        FROM member m LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
        WHERE m.project_id = $1 AND (m.user_id = $2 OR m.group_id = $3)";
    UPDATE_ROLE = "UPDATE member SET role = $3 WHERE project_id = $1 AND id = $2";
    DELETE = "DELETE FROM member WHERE project_id = $1 AND id = $2";
    LIST = {
        sqlite: "SELECT m.id, m.project_id, m.user_id, m.group_id, COALESCE(u.name, g.name) AS name, m.role,
                m.created_at
            FROM member m LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
            WHERE m.project_id = $1 AND instr(lower(COALESCE(u.name, g.name)), lower($2)) > 0
                AND (COALESCE(u.name, g.name), m.id) > ($3, $4)
            ORDER BY COALESCE(u.name, g.name), m.id LIMIT $5 OFFSET $6",
        postgres: "SELECT m.id, m.project_id, m.user_id, m.group_id, COALESCE(u.name, g.name) AS name, m.role,
                m.created_at
            FROM member m LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
            WHERE m.project_id = $1 AND strpos(lower(COALESCE(u.name, g.name)), lower($2)) > 0
                AND (COALESCE(u.name, g.name), m.id) > ($3, $4)
            ORDER BY COALESCE(u.name, g.name), m.id LIMIT $5 OFFSET $6",
    };
    COUNT = {
        sqlite: "SELECT COUNT(*) AS value FROM (SELECT 1 FROM member m
            LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
            WHERE m.project_id = $1 AND instr(lower(COALESCE(u.name, g.name)), lower($2)) > 0 LIMIT $3)",
        postgres: "SELECT COUNT(*) AS value FROM (SELECT 1 FROM member m
            LEFT JOIN user_account u ON u.id = m.user_id LEFT JOIN user_group g ON g.id = m.group_id
            WHERE m.project_id = $1 AND strpos(lower(COALESCE(u.name, g.name)), lower($2)) > 0 LIMIT $3) counted",
    };
    COUNT_BY_ROLE = "SELECT role, COUNT(*) AS members FROM member WHERE project_id = $1 GROUP BY role ORDER BY role";
}
