//! Labels: words that people put on artifacts, of the system or of a project.

use hythe_oci::digest::Digest;

use crate::Window;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row, Value};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId, RepositoryId};
use crate::project::Text;

/// Labels of all artifacts of one page that are read.
const MOST_OF_ARTIFACTS: u32 = 20_000;

/// A row of `label`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its id.
    pub id: i64,
    /// Its project; none for the system's.
    pub project_id: Option<ProjectId>,
    /// Unique within its project, or within the system.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#RRGGBB`, or whatever its maker calls a color.
    pub color: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// What can be said and changed about a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// As in [`Label`].
    pub name: String,
    /// As in [`Label`].
    pub description: String,
    /// As in [`Label`].
    pub color: String,
}

/// Which labels to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The project's; none for the system's.
    pub project_id: Option<ProjectId>,
    /// By name.
    pub name: Text,
}

/// Makes a label. [`Error::Conflict`] if the name is taken in its place.
pub async fn create(
    c: &mut Connection,
    project_id: Option<ProjectId>,
    words: &Words,
    now: Micros,
) -> Result<Label> {
    let Words { name, description, color } = words;
    let arguments = [project_id.into(), name.into(), description.into(), color.into(), now.into()];
    c.query_optional(&CREATE, &arguments).await?.ok_or_else(|| taken(name))
}

/// The label of this id.
pub async fn find(c: &mut Connection, id: i64) -> Result<Option<Label>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// A page of labels in the order of their names.
pub async fn list(c: &mut Connection, filter: &Filter, window: Window<&str>) -> Result<Vec<Label>> {
    let page = [window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &[&filter.arguments()[..], &page].concat()).await
}

/// How many labels the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    c.query_one(&COUNT, &[&filter.arguments()[..], &[most.into()]].concat()).await
}

/// Changes a label; false if there is none. [`Error::Conflict`] if another has the name.
pub async fn update(c: &mut Connection, id: i64, words: &Words, now: Micros) -> Result<bool> {
    let Words { name, description, color } = words;
    if c.query_optional::<i64>(&FIND_NAMESAKE, &[id.into(), name.into()]).await?.is_some() {
        return Err(taken(name));
    }
    c.changes(&UPDATE, &[id.into(), name.into(), description.into(), color.into(), now.into()]).await
}

/// Deletes a label and takes it off every artifact; false if there is none.
pub async fn delete(c: &mut Connection, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// Puts a label on an artifact that exists; false if it is there already.
pub async fn attach(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    label: i64,
    now: Micros,
) -> Result<bool> {
    c.changes(&ATTACH, &[repository_id.into(), digest.into(), label.into(), now.into()]).await
}

/// Puts those of the labels on an artifact that have not been deleted.
pub async fn attach_those_left(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    labels: &[i64],
    now: Micros,
) -> Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    let arguments = [repository_id.into(), digest.into(), value::list(labels), now.into()];
    c.execute(&ATTACH_THOSE_LEFT, &arguments).await.map(|_| ())
}

/// Takes a label off an artifact; false if it was not there.
pub async fn detach(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    label: i64,
) -> Result<bool> {
    c.changes(&DETACH, &[repository_id.into(), digest.into(), label.into()]).await
}

/// A label and the artifact that it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelOf {
    /// The artifact.
    pub artifact_id: i64,
    /// The label.
    pub label: Label,
}

/// The labels on these artifacts in the order of their names.
pub async fn list_of_artifacts(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<LabelOf>> {
    let arguments = [value::list(artifacts), MOST_OF_ARTIFACTS.into()];
    let mut labels: Vec<LabelOf> = c.query(&LIST_OF_ARTIFACTS, &arguments).await?;
    labels.sort_by(|one, other| one.label.name.cmp(&other.label.name));
    Ok(labels)
}

/// The labels on an artifact in the order of their names.
pub async fn list_of_artifact(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
) -> Result<Vec<Label>> {
    c.query(&LIST_OF_ARTIFACT, &[repository_id.into(), digest.into()]).await
}

fn taken(name: &str) -> Error {
    Error::Conflict { what: format!("label {name} exists already") }
}

impl Filter {
    /// The id 0 stands for the system, as in the index.
    fn arguments(&self) -> [Value<'static>; 2] {
        [self.project_id.unwrap_or(0).into(), self.name.pattern()]
    }
}

impl FromRow for LabelOf {
    fn from_row(row: &mut Row) -> Result<LabelOf> {
        Ok(LabelOf { artifact_id: row.take("artifact_id")?, label: Label::from_row(row)? })
    }
}

impl FromRow for Label {
    fn from_row(row: &mut Row) -> Result<Label> {
        Ok(Label {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            name: row.take("name")?,
            description: row.take("description")?,
            color: row.take("color")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
        })
    }
}

macro_rules! columns {
    () => {
        "l.id, l.project_id, l.name, l.description, l.color, l.created_at, l.updated_at "
    };
}

statements! { "label";
    CREATE = "INSERT INTO label (project_id, name, description, color, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING
        RETURNING id, project_id, name, description, color, created_at, updated_at";
    FIND = ("SELECT ", columns!(), "FROM label l WHERE l.id = $1");
    LIST = ("SELECT ", columns!(), "FROM label l WHERE COALESCE(l.project_id, 0) = $1
        AND lower(l.name) LIKE $2 ESCAPE '\\' AND l.name > $3 ORDER BY l.name LIMIT $4 OFFSET $5");
    COUNT = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM label l WHERE COALESCE(l.project_id, 0) = $1
        AND lower(l.name) LIKE $2 ESCAPE '\\' LIMIT $3) counted";
    FIND_NAMESAKE = "SELECT other.id AS value FROM label l
        JOIN label other ON COALESCE(other.project_id, 0) = COALESCE(l.project_id, 0)
        WHERE l.id = $1 AND other.name = $2 AND other.id <> $1";
    UPDATE = "UPDATE label SET name = $2, description = $3, color = $4, updated_at = $5 WHERE id = $1";
    DELETE = "DELETE FROM label WHERE id = $1";
    ATTACH = "INSERT INTO artifact_label (repository_id, digest, label_id, created_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    ATTACH_THOSE_LEFT = {
        sqlite: "INSERT INTO artifact_label (repository_id, digest, label_id, created_at)
            SELECT $1, $2, l.id, $4 FROM label l WHERE l.id IN (SELECT CAST(value AS INTEGER) FROM json_each($3))
            ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO artifact_label (repository_id, digest, label_id, created_at)
            SELECT $1, $2, l.id, $4 FROM label l
            WHERE l.id = ANY (ARRAY(SELECT jsonb_array_elements_text($3::text::jsonb)::bigint))
            ON CONFLICT DO NOTHING",
    };
    DETACH = "DELETE FROM artifact_label WHERE repository_id = $1 AND digest = $2 AND label_id = $3";
    LIST_OF_ARTIFACTS = {
        sqlite: ("SELECT a.id AS artifact_id, ", columns!(), "FROM json_each($1) i
            CROSS JOIN artifact a CROSS JOIN artifact_label o CROSS JOIN label l
            WHERE a.id = CAST(i.value AS INTEGER) AND o.repository_id = a.repository_id AND o.digest = a.digest
                AND l.id = o.label_id LIMIT $2"),
        postgres: ("SELECT a.id AS artifact_id, ", columns!(), "FROM artifact a
            JOIN artifact_label o ON o.repository_id = a.repository_id AND o.digest = a.digest
            JOIN label l ON l.id = o.label_id
            WHERE a.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint)) LIMIT $2"),
    };
    LIST_OF_ARTIFACT = ("SELECT ", columns!(), "FROM artifact_label a JOIN label l ON l.id = a.label_id
        WHERE a.repository_id = $1 AND a.digest = $2 ORDER BY l.name");
}
