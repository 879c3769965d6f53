//! Holdings: every role that a user has in a project, by membership or by grant, as themselves or through a group.

use hythe_oci::name::RepositoryName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::{ProjectId, UserId};

/// A role and where it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The role's id.
    pub role: i64,
    /// What the role is, if an administrator made it and did not delete it since.
    pub custom_role: Option<HeldRole>,
    /// The group it is held through.
    pub group: Option<String>,
    /// The grant it comes from; none for a membership, which holds in the whole project.
    pub grant: Option<Grant>,
}

/// A role that an administrator made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// Its name.
    pub name: String,
    /// Its permissions as JSON.
    pub permissions: String,
}

/// The part of a project that a grant is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: i64,
    /// A repository's name, or the beginning of names.
    pub repository: String,
    /// Whether names that begin so are meant.
    pub and_below: bool,
    /// Which tags.
    pub tag_pattern: String,
}

impl Grant {
    /// Whether it is for this repository.
    pub fn covers(&self, repository: &RepositoryName) -> bool {
        let name = repository.as_str();
        if self.and_below { name.starts_with(&self.repository) } else { name == self.repository }
    }

    /// The repositories as one writes them: a beginning ends in `*`.
    pub fn pattern(&self) -> String {
        format!("{}{}", self.repository, if self.and_below { "*" } else { "" })
    }
}

/// All holdings of a user in a project, in one read; memberships first.
pub async fn list(c: &mut Connection, project_id: ProjectId, user_id: UserId) -> Result<Vec<Holding>> {
    c.query(&LIST, &[project_id.into(), user_id.into()]).await
}

impl FromRow for Holding {
    fn from_row(row: &mut Row) -> Result<Holding> {
        let role = row.take("role")?;
        let custom_name: Option<String> = row.take("role_name")?;
        let permissions: Option<String> = row.take("permissions")?;
        let group = row.take("group_name")?;
        let grant_id: Option<i64> = row.take("grant_id")?;
        let repository: Option<String> = row.take("repository")?;
        let and_below: Option<bool> = row.take("and_below")?;
        let tag_pattern: Option<String> = row.take("tag_pattern")?;
        let custom_role =
            custom_name.zip(permissions).map(|(name, permissions)| HeldRole { name, permissions });
        let grant = match (grant_id, repository, and_below, tag_pattern) {
            (Some(id), Some(repository), Some(and_below), Some(tag_pattern)) => {
                Some(Grant { id, repository, and_below, tag_pattern })
            }
            _ => None,
        };
        Ok(Holding { role, custom_role, group, grant })
    }
}

statements! { "holding";
    LIST = "SELECT m.role, r.name AS role_name, r.permissions, NULL AS group_name,
            CAST(NULL AS BIGINT) AS grant_id, NULL AS repository, CAST(NULL AS BOOLEAN) AS and_below,
            NULL AS tag_pattern
        FROM member m LEFT JOIN custom_role r ON r.id = m.role
        WHERE m.project_id = $1 AND m.user_id = $2
        UNION ALL
        SELECT m.role, r.name, r.permissions, g.name, NULL, NULL, NULL, NULL
        FROM user_group_member u JOIN member m ON m.project_id = $1 AND m.group_id = u.group_id
            JOIN user_group g ON g.id = u.group_id LEFT JOIN custom_role r ON r.id = m.role
        WHERE u.user_id = $2
        UNION ALL
        SELECT t.role, r.name, r.permissions, NULL, t.id, t.repository, t.and_below, t.tag_pattern
        FROM repository_grant t LEFT JOIN custom_role r ON r.id = t.role
        WHERE t.project_id = $1 AND t.user_id = $2
        UNION ALL
        SELECT t.role, r.name, r.permissions, g.name, t.id, t.repository, t.and_below, t.tag_pattern
        FROM user_group_member u JOIN repository_grant t ON t.project_id = $1 AND t.group_id = u.group_id
            JOIN user_group g ON g.id = u.group_id LEFT JOIN custom_role r ON r.id = t.role
        WHERE u.user_id = $2";
}
