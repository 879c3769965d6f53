//! Robots: accounts of machines, for the system or for one project, with a list of what they may do.

mod giving;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use hythe_metadata::project::Text;
use hythe_metadata::robot::{self, Changes, Filter, NewRobot, Robot};
use hythe_metadata::{Connection, Window};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::ProjectName;
use serde_json::json;

pub(crate) use self::giving::may_act_as;
use self::giving::validate_permissions;
pub use self::giving::{grantable_in_project, grantable_in_system};
use crate::Registry;
use crate::access::permissions::PermissionList;
use crate::access::{
    Caller, Origin, ProjectRight, RobotPrincipal, SystemRight, Through, rights, system_rights,
};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::{ROBOT_NAME_PREFIX, ROBOT_TOKEN_DURATION};
use crate::error::{Error, Result};
use crate::passwords::random_secret;
use crate::revocations::Subject;

/// Harbor's prefix, which every shell takes for a variable. It is always accepted beside the configured one.
const HARBORS_PREFIX: &str = "robot$";

/// What is said to whoever comes as a robot and is none, whether there is a robot of that name or not.
pub(crate) const WRONG_ROBOT: &str =
    "the robot's name or secret is wrong, or the robot is disabled or has expired";

const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 1024;
const SECRET: std::ops::RangeInclusive<usize> = 8..=128;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;
const LONGEST_LIFE: i64 = i32::MAX as i64;

/// A robot to be made.
#[derive(Clone, Debug)]
pub struct WantedRobot {
    /// Its name, without prefix and project.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its project; none for a robot of the system.
    pub project: Option<ProjectName>,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many days it lives, -1 for ever; none for what the configuration says.
    pub duration_days: Option<i64>,
    /// What it may do.
    pub permissions: PermissionList,
    /// The secret, if the maker has one in mind.
    pub secret: Option<String>,
}

/// What of a robot shall be changed.
#[derive(Clone, Debug)]
pub struct RobotChanges {
    /// What it is for.
    pub description: String,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many days from its making it lives, -1 for ever; none for no change.
    pub duration_days: Option<i64>,
    /// What it may do.
    pub permissions: PermissionList,
}

/// A robot that was just made, with the one chance to read its secret.
pub struct CreatedRobot {
    /// The row.
    pub robot: Robot,
    /// The secret.
    pub secret: String,
}

impl Registry {
    /// Makes a robot. What it is given must be what its maker could give.
    pub async fn create_robot(&self, caller: &Caller, wanted: WantedRobot) -> Result<CreatedRobot> {
        let project_id = self
            .permit_robots::<rights::robot::Create, system_rights::robot::Create>(
                caller,
                wanted.project.as_ref(),
            )
            .await?;
        validate_name(&wanted.name)?;
        validate_description(&wanted.description)?;
        validate_permissions(&wanted.permissions, wanted.project.as_ref(), caller)?;
        let days = self.duration(wanted.duration_days)?;
        let secret = chosen_secret(wanted.secret.as_deref())?;
        let now = clock::now();
        let new = NewRobot {
            project_id,
            name: wanted.name,
            description: wanted.description,
            disabled: wanted.disabled,
            duration_days: days,
            expires_at: expiry(now, days),
            permissions: json(&wanted.permissions)?,
            created_by: caller.name().unwrap_or_default().to_owned(),
            created_at: now,
        };
        let hash = hash(&secret);
        let entry = Entry::new(caller, "create", "robot", full_name(wanted.project.as_ref(), &new.name))
            .in_project_if(project_id)
            .after(json!({ "permissions": wanted.permissions, "days": days }));
        let robot = self
            .database
            .try_transaction(move |c| {
                let (new, hash, entry) = (new.clone(), hash.clone(), entry.clone());
                Box::pin(async move {
                    let id = robot::create(c, &new).await.map_err(|error| taken(error, &new.name))?;
                    robot::put_secret(c, id, &hash, now, now).await?;
                    entry.write(c).await?;
                    find_robot(c, id).await
                })
            })
            .await?;
        Ok(CreatedRobot { robot, secret })
    }

    /// The robot of this id.
    pub async fn get_robot(&self, caller: &Caller, id: i64) -> Result<Robot> {
        self.permitted_robot::<rights::robot::Read, system_rights::robot::Read>(caller, id).await
    }

    /// Robots of a project, or of the system, in the order of their ids, and how many there are.
    pub async fn list_robots(
        &self,
        caller: &Caller,
        project_id: Option<i64>,
        name: Text,
        window: Window<i64>,
    ) -> Result<(Vec<Robot>, i64)> {
        match project_id {
            Some(id) => drop(self.permit_in_project_id::<rights::robot::List>(caller, id).await?),
            None => drop(self.permit_everywhere::<system_rights::robot::List>(caller).await?),
        }
        let filter = &Filter { project_id, name };
        let mut c = self.database.connect().await?;
        let robots = robot::list(&mut c, filter, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(robot::count(&mut c, filter, most).await?)
        };
        Ok((robots, self.total(format!("robot {filter:?}"), count).await?))
    }

    /// Changes a robot. What it was given may grow only by what the caller could give.
    pub async fn update_robot(&self, caller: &Caller, id: i64, wanted: RobotChanges) -> Result<()> {
        let found =
            self.permitted_robot::<rights::robot::Update, system_rights::robot::Update>(caller, id).await?;
        let project = project_of(&found)?;
        validate_description(&wanted.description)?;
        validate_permissions(&wanted.permissions, project.as_ref(), caller)?;
        let days = match wanted.duration_days {
            Some(days) => self.duration(Some(days))?,
            None => found.duration_days,
        };
        let changes = Changes {
            description: wanted.description,
            disabled: wanted.disabled,
            duration_days: days,
            expires_at: expiry(found.created_at, days),
            permissions: json(&wanted.permissions)?,
        };
        let (now, lifetime) = (clock::now(), self.longest_token_lifetime());
        let was = json!({ "permissions": found.permissions, "days": found.duration_days, "disabled": found.disabled });
        let is = json!({ "permissions": changes.permissions, "days": days, "disabled": changes.disabled });
        let entry = entry(caller, "update", &found).before(was).after(is);
        self.database
            .try_transaction(move |c| {
                let (changes, entry) = (changes.clone(), entry.clone());
                Box::pin(async move {
                    if !robot::update(c, id, &changes, now).await? {
                        return Err(unknown_robot(id));
                    }
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::Robot(id), lifetime).await?)
                })
            })
            .await
    }

    /// Gives a robot another secret: the given one, or a random one. The old one lives on for `overlap`, so that what
    /// uses it can be changed over without a failure.
    pub async fn refresh_robot_secret(
        &self,
        caller: &Caller,
        id: i64,
        given: Option<&str>,
        overlap: Duration,
    ) -> Result<String> {
        let found =
            self.permitted_robot::<rights::robot::Update, system_rights::robot::Update>(caller, id).await?;
        may_act_as(&found, caller)?;
        let entry = entry(caller, "update", &found).after(json!({ "secret": "changed" }));
        let secret = chosen_secret(given)?;
        let (hash, now, lifetime) = (hash(&secret), clock::now(), self.longest_token_lifetime());
        let old_until = now.saturating_add(clock::micros(overlap));
        self.database
            .transaction(move |c| {
                let (hash, entry) = (hash.clone(), entry.clone());
                Box::pin(async move {
                    robot::put_secret(c, id, &hash, now, old_until).await?;
                    entry.write(c).await?;
                    if old_until == now {
                        Registry::revoke(c, Subject::Robot(id), lifetime).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(secret)
    }

    /// Deletes a robot; what it pushed stays.
    pub async fn delete_robot(&self, caller: &Caller, id: i64) -> Result<()> {
        let found =
            self.permitted_robot::<rights::robot::Delete, system_rights::robot::Delete>(caller, id).await?;
        let lifetime = self.longest_token_lifetime();
        let entry = entry(caller, "delete", &found);
        self.database
            .try_transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    if !robot::delete(c, id).await? {
                        return Err(unknown_robot(id));
                    }
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::Robot(id), lifetime).await?)
                })
            })
            .await
    }

    /// A robot's name as it signs in: prefix, project and a plus, name.
    pub fn full_robot_name(&self, robot: &Robot) -> String {
        let prefix = self.configuration().text(&ROBOT_NAME_PREFIX);
        match &robot.project {
            Some(project) => format!("{prefix}{project}+{}", robot.name),
            None => format!("{prefix}{}", robot.name),
        }
    }

    /// The robot that signs in under this name with this secret. None if the name is no robot's, so that a user of
    /// such a name can still sign in.
    pub(crate) async fn sign_in_robot(
        &self,
        name: &str,
        secret: &str,
        origin: &Arc<Origin>,
    ) -> Result<Option<Caller>> {
        let Some(found) = self.find_robot_by_full_name(name).await? else { return Ok(None) };
        let now = clock::now();
        let mut c = self.database.connect().await?;
        let secrets = robot::list_secrets(&mut c, found.id, now).await?;
        drop(c);
        let shown = hash(secret);
        let matching = secrets
            .iter()
            .find(|known| constant_time::verify_slices_are_equal(&known.hash, &shown).is_ok())
            .map(|known| known.id);
        match matching {
            Some(id) if is_alive(&found, now) => {
                self.uses.note_robot(found.id);
                let principal = Arc::new(self.robot_principal(&found)?);
                Ok(Some(Caller::robot(principal, Through::RobotSecret(id), origin.clone())))
            }
            _ => Err(Error::unauthenticated(WRONG_ROBOT)),
        }
    }

    /// The robot as it is now; none if it may not sign in any more.
    pub(crate) async fn find_robot_principal(
        &self,
        c: &mut Connection,
        id: i64,
    ) -> Result<Option<RobotPrincipal>> {
        let found = robot::find(c, id).await?.filter(|robot| is_alive(robot, clock::now()));
        found.map(|robot| self.robot_principal(&robot)).transpose()
    }

    /// Whether a name begins as robots' names do.
    pub(crate) fn is_robots_name(&self, name: &str) -> bool {
        name.starts_with(HARBORS_PREFIX) || name.starts_with(&self.configuration().text(&ROBOT_NAME_PREFIX))
    }

    /// The robot of a full name under the configured prefix or Harbor's.
    pub(crate) async fn find_robot_by_full_name(&self, name: &str) -> Result<Option<Robot>> {
        let prefix = self.configuration().text(&ROBOT_NAME_PREFIX);
        let rest = name.strip_prefix(prefix.as_str()).or_else(|| name.strip_prefix(HARBORS_PREFIX));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else { return Ok(None) };
        let (project, name) = match rest.split_once('+') {
            Some((project, name)) => (Some(project), name),
            None => (None, rest),
        };
        let mut c = self.database.connect().await?;
        Ok(robot::find_by_name(&mut c, project, name).await?)
    }

    /// As somebody that decisions are made about.
    pub(crate) fn robot_principal(&self, robot: &Robot) -> Result<RobotPrincipal> {
        let permissions = serde_json::from_str(&robot.permissions)
            .map_err(|error| Error::internal("the robot's permissions cannot be read", error))?;
        Ok(RobotPrincipal {
            id: robot.id,
            name: self.full_robot_name(robot),
            project_id: robot.project_id,
            permissions,
        })
    }

    async fn permit_robots<P: ProjectRight, S: SystemRight>(
        &self,
        caller: &Caller,
        project: Option<&ProjectName>,
    ) -> Result<Option<i64>> {
        match project {
            Some(name) => Ok(Some(self.permit_in_project::<P>(caller, name).await?.project().id)),
            None => self.permit_everywhere::<S>(caller).await.map(|_| None),
        }
    }

    /// The robot, if the caller has the right over robots of its project or of the system. Who has not is refused in
    /// the same words whether there is one of this id or not: they would name its project.
    pub(crate) async fn permitted_robot<P: ProjectRight, S: SystemRight>(
        &self,
        caller: &Caller,
        id: i64,
    ) -> Result<Robot> {
        let mut c = self.database.connect().await?;
        let found = robot::find(&mut c, id).await?;
        drop(c);
        match found {
            Some(found) => {
                let permitted = self.permit_robots::<P, S>(caller, project_of(&found)?.as_ref()).await;
                if permitted.is_err() {
                    self.permit_everywhere::<S>(caller).await?;
                }
                permitted.map(|_| found)
            }
            None => self.permit_everywhere::<S>(caller).await.and_then(|_| Err(unknown_robot(id))),
        }
    }

    fn duration(&self, wanted: Option<i64>) -> Result<i64> {
        let days = wanted.unwrap_or_else(|| self.configuration().number(&ROBOT_TOKEN_DURATION));
        if days == -1 || (1..=LONGEST_LIFE).contains(&days) {
            return Ok(days);
        }
        Err(invalid(format!("a robot lives -1 (for ever) or 1 to {LONGEST_LIFE} days, not {days}")))
    }
}

fn entry(caller: &Caller, operation: &str, robot: &Robot) -> Entry {
    let name = match &robot.project {
        Some(project) => format!("{project}+{}", robot.name),
        None => robot.name.clone(),
    };
    Entry::new(caller, operation, "robot", name).in_project_if(robot.project_id)
}

/// Without the prefix, which can be configured.
fn full_name(project: Option<&ProjectName>, name: &str) -> String {
    project.map_or_else(|| name.to_owned(), |project| format!("{project}+{name}"))
}

/// Harbor's rule, which no shell, URL or YAML breaks.
fn validate_name(name: &str) -> Result<()> {
    validate_word(name, "robot")
}

/// As a robot's, for a name of something else.
pub(crate) fn validate_word(name: &str, of: &str) -> Result<()> {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() <= LONGEST_NAME && name.split(['.', '_', '-']).all(is_word) {
        return Ok(());
    }
    let name = name.chars().take(64).collect::<String>();
    Err(invalid(format!(
        "{name:?} is no name of a {of}: use a-z and 0-9, with single . _ or - between, at most {LONGEST_NAME}"
    )))
}

fn validate_description(description: &str) -> Result<()> {
    if description.len() <= LONGEST_DESCRIPTION {
        return Ok(());
    }
    Err(invalid(format!("a description has at most {LONGEST_DESCRIPTION} bytes")))
}

/// The given secret, if it is one that Harbor takes, else a random one.
fn chosen_secret(given: Option<&str>) -> Result<String> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        // Harbor's clients check its own rule on what they get: one more sign makes every random one fit it.
        return Ok(format!("{}Aa1", random_secret()?));
    };
    let has = |wanted: fn(&u8) -> bool| given.as_bytes().iter().any(wanted);
    let strong = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    if strong && SECRET.contains(&given.len()) {
        return Ok(given.to_owned());
    }
    Err(invalid(format!(
        "a robot's secret has {} to {} bytes, with an upper case letter, a lower case letter and a digit",
        SECRET.start(),
        SECRET.end()
    )))
}

/// Secrets are long and random (or as strong as their giver made them), and CI jobs sign in with every pull: one
/// SHA-256 and not argon2.
fn hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

fn expiry(from: clock::Micros, days: i64) -> Option<clock::Micros> {
    (days > 0).then(|| from.saturating_add(days.saturating_mul(DAY)))
}

pub(crate) fn is_alive(robot: &Robot, now: clock::Micros) -> bool {
    !robot.disabled && robot.expires_at.is_none_or(|at| at > now)
}

fn json(list: &PermissionList) -> Result<String> {
    serde_json::to_string(list).map_err(|error| Error::internal("the permissions cannot be written", error))
}

fn project_of(robot: &Robot) -> Result<Option<ProjectName>> {
    let name = robot.project.as_deref().map(str::parse).transpose();
    name.map_err(|error| Error::internal("a project's name cannot be read", error))
}

async fn find_robot(c: &mut Connection, id: i64) -> Result<Robot> {
    robot::find(c, id).await?.ok_or_else(|| unknown_robot(id))
}

fn taken(error: hythe_metadata::Error, name: &str) -> Error {
    match error {
        hythe_metadata::Error::Conflict { .. } => {
            Error::conflict(format!("a robot named {name} exists already"))
        }
        other => other.into(),
    }
}

fn invalid(message: String) -> Error {
    Error::bad_request(message)
}

fn unknown_robot(id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no robot with the id {id}"))
}
