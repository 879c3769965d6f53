//! Lists of artifacts: which, in what order, and behind which row they go on.

use hythe_oci::digest::Digest;

use super::Artifact;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, Value, pattern};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};
use crate::window::Window;

/// Where artifacts are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In one repository.
    Repository(RepositoryId),
    /// In all repositories of a project.
    Project(ProjectId),
}

/// From and to, both included.
pub type Span = (Option<Micros>, Option<Micros>);

/// Which artifacts to list; the default is all that are shown at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By their tags.
    pub tags: Tagged,
    /// Only these, the newest first; in a repository only.
    pub digests: Option<Vec<Digest>>,
    /// Those with all of these labels.
    pub labels: Vec<i64>,
    /// `IMAGE` and so on.
    pub kind: Option<String>,
    /// As in [`About`].
    pub media_type: Option<String>,
    /// As in [`About`].
    pub artifact_type: Option<String>,
    /// When they were pushed.
    pub pushed: Span,
    /// When they were pulled last.
    pub pulled: Span,
    /// The untagged parts of indexes too.
    pub with_parts: bool,
    /// Of each repository only the newest that the types let through.
    pub newest_only: bool,
}

/// Artifacts by their tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tagged {
    /// With tags or without.
    #[default]
    Any,
    /// With a tag.
    Some,
    /// Without one.
    None,
    /// With this tag.
    Whole(String),
    /// With a tag that holds this, in any case.
    Part(String),
}

/// The order of a list. The first two have keys to go on from; the others are paged by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one pushed last first.
    #[default]
    Newest,
    /// The one pushed first first.
    Oldest,
    /// The one pulled last first.
    LastPulled,
    /// Those never pulled first.
    FirstPulled,
    /// The largest first.
    Largest,
    /// The smallest first.
    Smallest,
}

/// Behind which row a list goes on: when that was pushed, and its id.
pub type Key = (Micros, i64);

/// A page of artifacts. The key is of use for [`Order::Newest`] and [`Order::Oldest`] only.
pub async fn list(
    c: &mut Connection,
    place: Place,
    filter: &Filter,
    order: Order,
    window: Window<Option<Key>>,
) -> Result<Vec<Artifact>> {
    let few = filter.digests.as_ref().filter(|_| matches!(place, Place::Repository(_)));
    let backwards = few.is_some() || order == Order::Newest;
    let (at, id) = filter.begin(backwards, window.after);
    let mut arguments = filter.arguments(place);
    arguments.extend([at.into(), id.into(), window.limit.into(), window.skip.into()]);
    if let Some(digests) = few {
        arguments.push(value::list(digests));
        return c.query(&LIST_OF_DIGESTS, &arguments).await;
    }
    let statement = match (place, order) {
        (Place::Repository(_), Order::Newest) => &LIST_NEWEST,
        (Place::Repository(_), Order::Oldest) => &LIST_OLDEST,
        (Place::Repository(_), Order::LastPulled) => &LIST_LAST_PULLED,
        (Place::Repository(_), Order::FirstPulled) => &LIST_FIRST_PULLED,
        (Place::Repository(_), Order::Largest) => &LIST_LARGEST,
        (Place::Repository(_), Order::Smallest) => &LIST_SMALLEST,
        (Place::Project(_), Order::Newest) => &LIST_NEWEST_OF_PROJECT,
        (Place::Project(_), Order::Oldest) => &LIST_OLDEST_OF_PROJECT,
        (Place::Project(_), Order::LastPulled) => &LIST_LAST_PULLED_OF_PROJECT,
        (Place::Project(_), Order::FirstPulled) => &LIST_FIRST_PULLED_OF_PROJECT,
        (Place::Project(_), Order::Largest) => &LIST_LARGEST_OF_PROJECT,
        (Place::Project(_), Order::Smallest) => &LIST_SMALLEST_OF_PROJECT,
    };
    c.query(statement, &arguments).await
}

/// How many artifacts the filter lets through, counted up to `most`. Digests are not looked at: whoever names them
/// knows how many they are.
pub async fn count(c: &mut Connection, place: Place, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments(place);
    arguments.push(most.into());
    let statement = match place {
        Place::Repository(_) => &COUNT,
        Place::Project(_) => &COUNT_OF_PROJECT,
    };
    c.query_one(statement, &arguments).await
}

impl Filter {
    /// Where the walk begins: behind the last row seen, or where the wanted times begin.
    fn begin(&self, backwards: bool, after: Option<Key>) -> Key {
        if backwards {
            let latest = (self.pushed.1.unwrap_or(i64::MAX), i64::MAX);
            return after.map_or(latest, |after| after.min(latest));
        }
        let earliest = (self.pushed.0.unwrap_or(i64::MIN), i64::MIN);
        after.map_or(earliest, |after| after.max(earliest))
    }

    fn arguments(&self, place: Place) -> Vec<Value<'_>> {
        let id = match place {
            Place::Repository(id) | Place::Project(id) => id,
        };
        let tagged = match self.tags {
            Tagged::Some => Some(true),
            Tagged::None => Some(false),
            Tagged::Any | Tagged::Whole(_) | Tagged::Part(_) => None,
        };
        let (whole, part) = match &self.tags {
            Tagged::Whole(tag) => (tag.as_str(), ""),
            Tagged::Part(part) => ("", part.as_str()),
            Tagged::Any | Tagged::Some | Tagged::None => ("", ""),
        };
        let labels: String = self.labels.iter().map(|label| format!("{label},")).collect();
        vec![
            id.into(),
            self.with_parts.into(),
            tagged.into(),
            whole.into(),
            pattern(part, false),
            self.kind.as_deref().unwrap_or_default().into(),
            self.media_type.as_deref().unwrap_or_default().into(),
            self.artifact_type.as_deref().unwrap_or_default().into(),
            self.pushed.0.unwrap_or(i64::MIN).into(),
            self.pushed.1.unwrap_or(i64::MAX).into(),
            self.pulled.0.unwrap_or(i64::MIN).into(),
            self.pulled.1.unwrap_or(i64::MAX).into(),
            format!(",{labels}").into(),
            (self.labels.len() as u64).into(),
            self.newest_only.into(),
        ]
    }
}

/// A sum is no column: times are compared in the order that was asked for, not by an index of their own.
macro_rules! filter {
    () => {
        "a.subject IS NULL
            AND ($2 OR EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest)
                OR NOT EXISTS (SELECT 1 FROM manifest_reference p
                    WHERE p.repository_id = a.repository_id AND p.digest = a.digest))
            AND (CAST($3 AS BOOLEAN) IS NULL OR $3 = EXISTS (
                SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest))
            AND (CAST($4 AS TEXT) = '' OR EXISTS (SELECT 1 FROM tag t
                WHERE t.repository_id = a.repository_id AND t.digest = a.digest AND t.name = $4))
            AND (CAST($5 AS TEXT) = '%%' OR EXISTS (SELECT 1 FROM tag t
                WHERE t.repository_id = a.repository_id AND t.digest = a.digest
                    AND lower(t.name) LIKE $5 ESCAPE '\\'))
            AND (CAST($6 AS TEXT) = '' OR a.kind = $6)
            AND (CAST($7 AS TEXT) = '' OR a.media_type = $7)
            AND (CAST($8 AS TEXT) = '' OR a.artifact_type = $8)
            AND a.pushed_at + 0 >= $9 AND a.pushed_at + 0 <= $10 AND a.pulled_at + 0 >= $11 AND a.pulled_at + 0 <= $12
            AND (CAST($14 AS BIGINT) = 0 OR (SELECT COUNT(*) FROM artifact_label l
                WHERE l.repository_id = a.repository_id AND l.digest = a.digest
                    AND CAST($13 AS TEXT) LIKE '%,' || l.label_id || ',%') = $14)
            AND (NOT $15 OR NOT EXISTS (SELECT 1 FROM artifact n
                WHERE n.repository_id = a.repository_id AND n.subject IS NULL
                    AND (n.pushed_at, n.id) > (a.pushed_at, a.id)
                    AND (CAST($6 AS TEXT) = '' OR n.kind = $6)
                    AND (CAST($7 AS TEXT) = '' OR n.media_type = $7)
                    AND (CAST($8 AS TEXT) = '' OR n.artifact_type = $8)))"
    };
}

/// Rows behind a key, in one order or the other.
macro_rules! behind {
    (newest) => {
        " AND (a.pushed_at, a.id) < (CAST($16 AS BIGINT), CAST($17 AS BIGINT)) ORDER BY a.pushed_at DESC, a.id DESC
        LIMIT $18 OFFSET $19"
    };
    (oldest) => {
        " AND (a.pushed_at, a.id) > (CAST($16 AS BIGINT), CAST($17 AS BIGINT)) ORDER BY a.pushed_at, a.id
        LIMIT $18 OFFSET $19"
    };
}

/// Rows in an order without keys; the parameters of the key are there all the same.
macro_rules! ordered {
    ($order:literal) => {
        concat!(
            " AND (CAST($16 AS BIGINT) IS NOT NULL OR CAST($17 AS BIGINT) IS NOT NULL) ORDER BY ",
            $order,
            " LIMIT $18 OFFSET $19"
        )
    };
}

macro_rules! of_repository {
    () => {
        "a.repository_id = $1 AND "
    };
}

macro_rules! of_project {
    () => {
        "a.project_id = $1 AND "
    };
}

statements! { "artifact";
    LIST_NEWEST = (select!(), joined!(), of_repository!(), filter!(), behind!(newest));
    LIST_OLDEST = (select!(), joined!(), of_repository!(), filter!(), behind!(oldest));
    LIST_LAST_PULLED =
        (select!(), joined!(), of_repository!(), filter!(), ordered!("a.pulled_at DESC, a.id DESC"));
    LIST_FIRST_PULLED = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.pulled_at, a.id"));
    LIST_LARGEST = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.size DESC, a.id DESC"));
    LIST_SMALLEST = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.size, a.id"));
    LIST_NEWEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), behind!(newest));
    LIST_OLDEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), behind!(oldest));
    LIST_LAST_PULLED_OF_PROJECT =
        (select!(), joined!(), of_project!(), filter!(), ordered!("a.pulled_at DESC, a.id DESC"));
    LIST_FIRST_PULLED_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.pulled_at, a.id"));
    LIST_LARGEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.size DESC, a.id DESC"));
    LIST_SMALLEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.size, a.id"));
    LIST_OF_DIGESTS = {
        sqlite: (select!(), joined!(), of_repository!(), filter!(),
            " AND a.digest IN (SELECT value FROM json_each($20))", behind!(newest)),
        postgres: (select!(), joined!(), of_repository!(), filter!(),
            " AND a.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($20::text::jsonb)))", behind!(newest)),
    };
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact a WHERE ", of_repository!(), filter!(),
        " LIMIT $16) counted");
    COUNT_OF_PROJECT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact a WHERE ", of_project!(), filter!(),
        " LIMIT $16) counted");
}
