//! What is used: the bytes that projects are charged for, summed up in pieces, and the limit to them.
//!
//! A project's sum lies in [`SLOTS`] rows. A transaction adds to any row that nobody holds, as its last statement, so
//! that pushes into one project do not wait for one another. The limit is exact all the same: each row has a credit, a
//! share of the room that was left when all rows were last looked at together, and whoever adds more than any free
//! row's credit looks at all of them (waiting for the few that are in the middle of a commit), refuses or shares the room
//! out anew. Reserving in a transaction of its own was rejected: it costs every push a commit, and two pushes near the
//! limit can refuse each other.

use hythe_oci::digest::Digest;
use hythe_oci::name::ProjectName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId};

/// Rows that a project's sum is spread over, a power of two: more than nodes have transactions in the middle of a
/// commit.
const SLOTS: i64 = 32;

/// The credit of every row where a project holds more than its limit: nothing is added, and what is released is not
/// room before all rows have been looked at together.
const IN_DEBT: i64 = -1;

/// The setting that says whether limits hold; they do where it was never set.
const ENFORCED: &str = "quota_enforced";

/// Bytes that a project is charged for.
pub async fn of_project(c: &mut Connection, id: ProjectId) -> Result<i64> {
    c.query_one(&OF_PROJECT, &[id.into()]).await
}

/// All blobs, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How many there are.
    pub blobs: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// What is stored: it reads every blob's row.
pub async fn of_all(c: &mut Connection) -> Result<Stored> {
    c.query_one(&OF_ALL, &[]).await
}

/// How a project stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Bytes that it is charged for.
    pub used: i64,
    /// Bytes that it may be charged for; none without a limit or where limits do not hold.
    pub limit: Option<i64>,
    /// Whether it is charged already for the digest that was asked about.
    pub charged: bool,
}

impl Standing {
    /// Whether so many bytes more would fit, or the refusal.
    pub fn check(self, project: &ProjectName, adding: u64) -> Result<()> {
        let adding = i64::try_from(adding).unwrap_or(i64::MAX);
        match self.limit {
            Some(limit) if !self.charged && self.used.saturating_add(adding) > limit => {
                Err(Error::OverQuota { project: project.to_string(), adding, used: self.used, limit })
            }
            _ => Ok(()),
        }
    }
}

/// How the project of this name stands, before bytes of a digest that may be known are taken; none if it does not exist.
pub async fn standing(
    c: &mut Connection,
    project: &ProjectName,
    digest: Option<&Digest>,
) -> Result<Option<Standing>> {
    c.query_optional(&STANDING, &[project.into(), digest.into(), ENFORCED.into()]).await
}

/// Limits what a project may be charged for, or takes the limit away; false if it does not exist. What it holds beyond
/// a new limit stays.
pub async fn limit(c: &mut Connection, id: ProjectId, limit: Option<i64>, now: Micros) -> Result<bool> {
    lock_slots(c, id).await?;
    if !c.changes(&UPDATE_LIMIT, &[id.into(), limit.into(), now.into()]).await? {
        return Ok(false);
    }
    share_out(c, id, 0).await?;
    Ok(true)
}

/// Says whether limits hold, for all projects.
pub async fn enforce(c: &mut Connection, enforced: bool) -> Result<()> {
    crate::setting::put(c, ENFORCED, if enforced { "true" } else { "false" }).await?;
    let limited: Vec<ProjectId> = c.query(&LIMITED, &[]).await?;
    for id in limited {
        lock_slots(c, id).await?;
        share_out(c, id, 0).await?;
    }
    Ok(())
}

/// Adds the difference between the project's charges and its sum to the sum; what it was. Both are read by one statement
/// and change together, so pushes may go on meanwhile.
pub async fn correct(c: &mut Connection, id: ProjectId) -> Result<i64> {
    let difference: i64 = c.query_one(&DIFFERENCE, &[id.into()]).await?;
    if difference != 0 {
        lock_slots(c, id).await?;
        share_out(c, id, difference).await?;
    }
    Ok(difference)
}

/// Adds to the projects' sums what a transaction has charged and released: the last step before its commit.
/// [`Error::OverQuota`] if that is more than a project may hold.
pub(crate) async fn settle(c: &mut Connection) -> Result<()> {
    for (id, bytes) in c.take_charges() {
        add(c, id, bytes).await?;
    }
    Ok(())
}

async fn add(c: &mut Connection, id: ProjectId, bytes: i64) -> Result<()> {
    if bytes == 0 || c.changes(&ADD_TO_A_FREE_SLOT, &[id.into(), bytes.into()]).await? {
        return Ok(());
    }
    // Where all are held, one of them is waited for: to wait for all would hold up everybody else.
    if c.changes(&ADD_TO_SLOT, &[id.into(), bytes.into(), any_slot().into()]).await? {
        return Ok(());
    }
    lock_slots(c, id).await?;
    let Some(account) = c.query_optional::<Account>(&ACCOUNT, &[id.into(), ENFORCED.into()]).await? else {
        return Ok(());
    };
    if let Some(limit) = account.limit
        && bytes > 0
        && account.used.saturating_add(bytes) > limit
    {
        return Err(Error::OverQuota { project: account.project, adding: bytes, used: account.used, limit });
    }
    share_out(c, id, bytes).await
}

fn any_slot() -> i64 {
    uuid::Uuid::new_v4().as_u128() as i64 & (SLOTS - 1)
}

/// All rows of the project's sum, made where they are missing, until the transaction ends.
async fn lock_slots(c: &mut Connection, id: ProjectId) -> Result<()> {
    c.execute(&CREATE_SLOTS, &[id.into(), SLOTS.into()]).await?;
    let _locked: Vec<i64> = c.query(&LOCK_SLOTS, &[id.into()]).await?;
    Ok(())
}

/// Adds to the sum, whatever the limit says, and gives every row the same share of the room that is left. The rows are
/// locked.
async fn share_out(c: &mut Connection, id: ProjectId, adding: i64) -> Result<()> {
    let Some(account) = c.query_optional::<Account>(&ACCOUNT, &[id.into(), ENFORCED.into()]).await? else {
        return Ok(());
    };
    let room = account.limit.map(|limit| limit.saturating_sub(account.used).saturating_sub(adding));
    let credit = room.map(|room| if room < 0 { IN_DEBT } else { room / SLOTS });
    c.execute(&SHARE_OUT, &[id.into(), adding.into(), credit.into()]).await.map(|_| ())
}

/// What all rows of a project's sum say together.
struct Account {
    project: String,
    used: i64,
    limit: Option<i64>,
}

impl FromRow for Account {
    fn from_row(row: &mut Row) -> Result<Account> {
        Ok(Account { project: row.take("name")?, used: row.take("used")?, limit: row.take("storage_limit")? })
    }
}

impl FromRow for Stored {
    fn from_row(row: &mut Row) -> Result<Stored> {
        Ok(Stored { blobs: row.take("blobs")?, bytes: row.take("bytes")? })
    }
}

impl FromRow for Standing {
    fn from_row(row: &mut Row) -> Result<Standing> {
        Ok(Standing {
            used: row.take("used")?,
            limit: row.take("storage_limit")?,
            charged: row.take("charged")?,
        })
    }
}

macro_rules! used {
    () => {
        "CAST(COALESCE((SELECT SUM(u.used) FROM project_usage u WHERE u.project_id = p.id), 0) AS BIGINT)"
    };
}

statements! { "usage";
    OF_PROJECT = "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) AS value FROM project_usage WHERE project_id = $1";
    OF_ALL = "SELECT COUNT(*) AS blobs, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM blob";
    STANDING = ("SELECT ", used!(), " AS used,
            CASE WHEN EXISTS (SELECT 1 FROM setting s WHERE s.name = $3 AND s.value = 'false') THEN NULL
                ELSE p.storage_limit END AS storage_limit,
            EXISTS (SELECT 1 FROM charge c WHERE c.project_id = p.id AND c.digest = $2) AS charged
        FROM project p WHERE p.name = $1");
    ACCOUNT = ("SELECT p.name, ", used!(), " AS used,
            CASE WHEN EXISTS (SELECT 1 FROM setting s WHERE s.name = $2 AND s.value = 'false') THEN NULL
                ELSE p.storage_limit END AS storage_limit
        FROM project p WHERE p.id = $1");
    UPDATE_LIMIT = "UPDATE project SET storage_limit = $2, updated_at = $3 WHERE id = $1";
    LIMITED = "SELECT id AS value FROM project WHERE storage_limit IS NOT NULL ORDER BY id";
    DIFFERENCE = "SELECT CAST(COALESCE((SELECT SUM(size) FROM charge WHERE project_id = $1), 0)
        - COALESCE((SELECT SUM(used) FROM project_usage WHERE project_id = $1), 0) AS BIGINT) AS value";
    ADD_TO_A_FREE_SLOT = {
        sqlite: "UPDATE project_usage SET used = used + $2, credit = credit - $2
            WHERE project_id = $1 AND slot = (SELECT s.slot FROM project_usage s
                WHERE s.project_id = $1 AND (s.credit IS NULL OR s.credit >= CASE WHEN CAST($2 AS BIGINT) > 0 THEN $2 ELSE 0 END)
                ORDER BY s.credit DESC LIMIT 1)",
        postgres: "UPDATE project_usage SET used = used + $2, credit = credit - $2
            WHERE project_id = $1 AND slot = (SELECT s.slot FROM project_usage s
                WHERE s.project_id = $1 AND (s.credit IS NULL OR s.credit >= CASE WHEN CAST($2 AS BIGINT) > 0 THEN $2 ELSE 0 END)
                ORDER BY s.credit DESC LIMIT 1 FOR UPDATE SKIP LOCKED)",
    };
    ADD_TO_SLOT = "UPDATE project_usage SET used = used + $2, credit = credit - $2
        WHERE project_id = $1 AND slot = $3 
            AND (credit IS NULL OR credit >= CASE WHEN CAST($2 AS BIGINT) > 0 THEN $2 ELSE 0 END)";
    CREATE_SLOTS = {
        sqlite: "INSERT INTO project_usage (project_id, slot, used, credit)
            WITH RECURSIVE slots (slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot + 1 < $2)
            SELECT p.id, slots.slot, 0, 0 FROM project p JOIN slots ON TRUE WHERE p.id = $1 ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO project_usage (project_id, slot, used, credit)
            SELECT p.id, slot, 0, 0 FROM project p, generate_series(0, CAST($2 AS BIGINT) - 1) AS slot WHERE p.id = $1
            ORDER BY slot ON CONFLICT DO NOTHING",
    };
    LOCK_SLOTS = {
        sqlite: "SELECT slot AS value FROM project_usage WHERE project_id = $1",
        postgres: "SELECT slot AS value FROM project_usage WHERE project_id = $1 ORDER BY slot FOR UPDATE",
    };
    SHARE_OUT = "UPDATE project_usage SET used = used + CASE WHEN slot = 0 THEN CAST($2 AS BIGINT) ELSE 0 END, credit = $3
        WHERE project_id = $1";
}
