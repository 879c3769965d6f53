//! Who may do what: the only place that decides. A handler gets a [`Permit`] here or an answer that refuses.
//!
//! What a stranger may learn is decided here too: a project or repository that does not exist and one that may not
//! be seen are refused with the same words.

mod caller;
mod decision;
mod explain;
mod open_doors;
pub mod permission;
pub mod permissions;
mod permit;
pub mod role;
pub(crate) mod roles;

use std::sync::Arc;

use hythe_metadata::project::Project;
use hythe_metadata::repository::Visible;
use hythe_metadata::{Connection, blob, project, user};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::scope::{Action, Actions};

pub use caller::{Caller, Origin, Principal, RobotPrincipal, Through};
pub use decision::{Decision, Place, Rule};
pub use explain::{Explanation, Question};
pub(crate) use open_doors::OpenDoors;
pub use permission::{Permission, ProjectRight, Right, SystemRight, rights, system_rights};
pub use permissions::PermissionList;
pub use permit::{AdministratorPermit, Everywhere, Permit, SelfPermit, TagLimit};
pub use rights::repository::{Delete, Pull, Push};
pub use role::{BuiltIn, Role};

use crate::Registry;
use crate::claims::Claims;
use crate::configuration::items::READ_ONLY;
use crate::error::{Error, Kind, Result};
use crate::projects::unknown_project;

/// Repositories that are looked at for one from which a blob may be mounted.
const MOUNT_SOURCES: u32 = 32;

impl Permission {
    /// The action that a registry token calls it; none for what the protocol does not know.
    fn as_scope_action(self) -> Option<Action> {
        Action::ALL.into_iter().find(|action| self == of_protocol(*action))
    }
}

/// The permission that an action of the protocol needs.
fn of_protocol(action: Action) -> Permission {
    match action {
        Action::Pull => Pull::PERMISSION,
        Action::Push => Push::PERMISSION,
        Action::Delete => Delete::PERMISSION,
    }
}

impl Registry {
    /// Decides whether `caller` has the right `R` on `repository`, which need not exist yet.
    pub async fn permit<R: ProjectRight>(
        &self,
        caller: &Caller,
        repository: &RepositoryName,
    ) -> Result<Permit<R>> {
        let decision = self.decide_on_repository(caller, R::PERMISSION, repository).await?;
        if !decision.allowed {
            return Err(refusal(caller, R::PERMISSION, repository.as_str(), &decision.rule));
        }
        self.refuse_while_read_only(R::PERMISSION)?;
        Ok(Permit::new(repository.clone(), decision.tags, caller.clone()))
    }

    /// Harbor's `read_only`: what is stored stays as it is, for administrators too, while a backup or a move is made.
    /// It is said after the decision, so that it tells strangers nothing.
    fn refuse_while_read_only(&self, permission: Permission) -> Result<()> {
        use permission::Action::{Create, Delete, Push, Update};
        if matches!(permission.action, Create | Delete | Push | Update)
            && self.configuration().truth(&READ_ONLY)
        {
            return Err(Error::denied(
                "the registry is read only now; pulls go on, and an administrator ends it with read_only at \
                 /api/v2.0/configurations",
            ));
        }
        Ok(())
    }

    /// Decides whether `caller` has the right `R` in the project of this name.
    pub async fn permit_in_project<R: ProjectRight>(
        &self,
        caller: &Caller,
        name: &ProjectName,
    ) -> Result<Permit<R, Project>> {
        let mut c = self.database.connect().await?;
        let found = project::find(&mut c, name).await?;
        permit_in::<R>(&mut c, caller, found, || name.to_string(), || unknown_project(name)).await
    }

    /// As [`Registry::permit_in_project`], for the project of this id.
    pub async fn permit_in_project_id<R: ProjectRight>(
        &self,
        caller: &Caller,
        id: i64,
    ) -> Result<Permit<R, Project>> {
        let mut c = self.database.connect().await?;
        let found = project::find_by_id(&mut c, id).await?;
        let unknown =
            || Error::unknown(ErrorCode::NameUnknown, format!("there is no project with the id {id}"));
        permit_in::<R>(&mut c, caller, found, || id.to_string(), unknown).await
    }

    /// Decides whether `caller` has the right `R` over the whole system.
    pub async fn permit_everywhere<R: SystemRight>(&self, caller: &Caller) -> Result<Permit<R, Everywhere>> {
        let mut c = self.database.connect().await?;
        let decision = decision::decide(&mut c, caller, R::PERMISSION, Place::Everywhere).await?;
        if decision.allowed {
            return Ok(Permit::new(Everywhere, TagLimit::None, caller.clone()));
        }
        Err(refusal(caller, R::PERMISSION, SYSTEM, &decision.rule))
    }

    /// The caller must be a user, and gets to act for themselves. A personal token is as good as its owner here only
    /// if no list limits it.
    pub fn permit_self(&self, caller: &Caller) -> Result<SelfPermit> {
        match &caller.principal {
            Principal::User(user) if caller.limit.is_none() => {
                Ok(SelfPermit { user: user.clone(), caller: caller.clone() })
            }
            Principal::User(_) => Err(Error::forbidden(
                "this token is limited to a list of permissions; sign in with a password or an unlimited token",
            )),
            Principal::Anonymous | Principal::Token(_) => {
                Err(Error::unauthenticated("sign in with a user name and a password or personal token"))
            }
            Principal::Robot(_) | Principal::Operator => {
                Err(Error::forbidden(format!("{} is no user", caller.described())))
            }
        }
    }

    /// The right to pull from the source of a mount, where "no" is an answer and not an error.
    ///
    /// Clients ask for tokens by the challenge, and a challenge can name one repository only, so the token of a
    /// mount rarely names its source. What counts is whether its bearer could pull there.
    pub async fn find_source_permit(
        &self,
        caller: &Caller,
        repository: &RepositoryName,
    ) -> Result<Option<Permit<Pull>>> {
        let bearer = self.behind_token(caller).await?;
        let decision = self.decide_on_repository(&bearer, Pull::PERMISSION, repository).await?;
        Ok(decision.allowed.then(|| Permit::new(repository.clone(), decision.tags, caller.clone())))
    }

    /// Whether a list may show the repository to the caller.
    pub(crate) async fn may_see(&self, caller: &Caller, repository: &RepositoryName) -> Result<bool> {
        let decision = self.decide_on_repository(caller, rights::repository::List::PERMISSION, repository);
        Ok(decision.await?.allowed)
    }

    /// Whether the caller could pull a blob from some repository.
    pub(crate) async fn may_find(&self, caller: &Caller, digest: &Digest) -> Result<bool> {
        let bearer = self.behind_token(caller).await?;
        let mut c = self.database.connect().await?;
        if bearer.is_administrator() && bearer.limit.is_none() {
            return Ok(blob::find(&mut c, digest).await?.is_some());
        }
        let repositories = blob::linked_in(&mut c, digest, MOUNT_SOURCES).await?;
        drop(c);
        for repository in &repositories {
            let decision = self.decide_on_repository(&bearer, Pull::PERMISSION, repository).await?;
            let permit: Permit<Pull> = Permit::new(repository.clone(), decision.tags, caller.clone());
            if decision.allowed && self.has_blob(&permit, digest).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those of the wanted actions that the caller may do in a repository, each with its tags.
    pub(crate) async fn allowed_actions(
        &self,
        caller: &Caller,
        repository: &RepositoryName,
        wanted: Actions,
    ) -> Result<Vec<(Action, TagLimit)>> {
        let mut allowed = Vec::new();
        for action in wanted.iter() {
            let decision = self.decide_on_repository(caller, of_protocol(action), repository).await?;
            if decision.allowed {
                allowed.push((action, decision.tags));
            }
        }
        Ok(allowed)
    }

    /// A repository in a project that does not exist is nobody's, except an administrator's: they may learn that
    /// it does not, so their request goes on and says so. A token was checked when it was made.
    async fn decide_on_repository(
        &self,
        caller: &Caller,
        permission: Permission,
        repository: &RepositoryName,
    ) -> Result<Decision> {
        if let Principal::Token(claims) = &caller.principal {
            let granted =
                permission.as_scope_action().and_then(|action| claims.find_grant(repository, action));
            let (allowed, tags) = granted.map_or((false, TagLimit::None), |tags| (true, tags));
            return Ok(Decision { allowed, tags, rule: Rule::TokenScope });
        }
        let visits = caller.is_anonymous() && permission == Pull::PERMISSION;
        let name = repository.project();
        if visits && self.open_doors.has(&name) {
            let rule = Rule::Public(name.to_string());
            return Ok(Decision { allowed: true, tags: TagLimit::None, rule });
        }
        let mut c = self.database.connect().await?;
        match project::find(&mut c, &name).await? {
            Some(found) => {
                let place = Place::Repository(&found, repository);
                let decision = decision::decide(&mut c, caller, permission, place).await?;
                if visits && decision.allowed {
                    self.open_doors.note(name);
                }
                Ok(decision)
            }
            None if caller.is_administrator() && caller.limit.is_none() => {
                Ok(Decision { allowed: true, tags: TagLimit::None, rule: Rule::Administrator })
            }
            None => Ok(Decision {
                allowed: false,
                tags: TagLimit::None,
                rule: Rule::Nothing { roles: Vec::new() },
            }),
        }
    }

    /// Whoever a token was made for, as they are now; anybody else is who they are.
    pub(crate) async fn behind_token(&self, caller: &Caller) -> Result<Caller> {
        let Principal::Token(claims) = &caller.principal else { return Ok(caller.clone()) };
        self.find_bearer(claims, &caller.origin).await
    }

    /// The caller must be an administrator.
    pub fn permit_administrator(&self, caller: &Caller) -> Result<AdministratorPermit> {
        match &caller.principal {
            Principal::Anonymous | Principal::Token(_) => {
                Err(Error::unauthenticated("sign in as an administrator"))
            }
            _ if caller.is_administrator() && caller.limit.is_none() => {
                Ok(AdministratorPermit(caller.clone()))
            }
            _ => Err(Error::forbidden(format!("{} is not an administrator", caller.described()))),
        }
    }

    /// Which repositories the catalog may show this caller. A stranger has to show at least an anonymous token,
    /// so that clients learn to sign in first.
    pub(crate) async fn visible_to(&self, caller: &Caller) -> Result<Visible> {
        let bearer = match &caller.principal {
            Principal::Token(claims) if claims.allows_catalog() => {
                self.find_bearer(claims, &caller.origin).await?
            }
            Principal::Anonymous | Principal::Token(_) => {
                return Err(Error::unauthenticated("sign in to list the repositories"));
            }
            _ => caller.clone(),
        };
        Ok(visible(&bearer))
    }

    /// Whoever a token was made for, as they are now; a stranger if they are gone.
    async fn find_bearer(&self, claims: &Claims, origin: &Arc<Origin>) -> Result<Caller> {
        let mut c = self.database.connect().await?;
        let through = Through::RegistryToken(claims.jti.clone());
        if let Some(id) = claims.uid
            && let Some(user) = user::find(&mut c, id).await?.filter(|user| !user.disabled)
        {
            let caller = Caller::user(Arc::new(user), through, origin.clone());
            return match claims.pat {
                Some(token) => Ok(self.limited_by_token(&mut c, caller, token).await?),
                None => Ok(caller),
            };
        }
        if let Some(id) = claims.rid
            && let Some(robot) = self.find_robot_principal(&mut c, id).await?
        {
            return Ok(Caller::robot(Arc::new(robot), through, origin.clone()));
        }
        Ok(Caller::anonymous(origin.clone()))
    }
}

/// What a caller may see of the catalog.
pub(crate) fn visible(caller: &Caller) -> Visible {
    match (&caller.principal, &caller.limit) {
        (Principal::Robot(robot), _) => listed(&robot.permissions),
        (_, Some(limit)) if caller.is_administrator() => listed(limit),
        _ if caller.is_administrator() => Visible::All,
        // Users choose the list of a token themselves, so it shows nothing that they would not see without it.
        (Principal::User(user), limit) => {
            match limit.as_ref().and_then(|limit| limit.beginnings(Pull::PERMISSION)) {
                Some(beginnings) => Visible::SubjectWithin(user.id, beginnings),
                None => Visible::Subject(user.id),
            }
        }
        (Principal::Anonymous | Principal::Token(_) | Principal::Operator, _) => Visible::Public,
    }
}

/// The places of a list, as the beginnings of names.
fn listed(list: &PermissionList) -> Visible {
    if list.allows_everywhere(<system_rights::catalog::Read as Right>::PERMISSION) {
        return Visible::All;
    }
    match list.beginnings(Pull::PERMISSION) {
        Some(beginnings) => Visible::Listed(beginnings),
        None => Visible::All,
    }
}

async fn permit_in<R: ProjectRight>(
    c: &mut Connection,
    caller: &Caller,
    found: Option<Project>,
    name: impl FnOnce() -> String,
    unknown: impl FnOnce() -> Error,
) -> Result<Permit<R, Project>> {
    let Some(project) = found else {
        let may_know = caller.is_administrator();
        let rule = Rule::Nothing { roles: Vec::new() };
        return Err(if may_know { unknown() } else { refusal(caller, R::PERMISSION, &name(), &rule) });
    };
    let decision = decision::decide(c, caller, R::PERMISSION, Place::Project(&project)).await?;
    if !decision.allowed {
        return Err(refusal(caller, R::PERMISSION, &name(), &decision.rule));
    }
    Ok(Permit::new(project, decision.tags, caller.clone()))
}

/// The place of what belongs to no project.
const SYSTEM: &str = "the system";

/// The words of a refusal. They are the same whether the place exists or not.
fn refusal(caller: &Caller, permission: Permission, place: &str, rule: &Rule) -> Error {
    let wanted = serde_json::json!([{
        "type": permission.resource.as_str(), "name": place, "action": permission.action.as_str()
    }]);
    let (deed, who) = (deed(permission, place), caller.described());
    let remedy =
        if place == SYSTEM { "an administrator may" } else { "a project administrator can grant it" };
    let error = match (&caller.principal, rule) {
        (Principal::Anonymous, _) => Error::unauthenticated(format!("sign in to {deed}")),
        (Principal::Token(claims), _) if claims.sub.is_empty() => {
            Error::unauthenticated(format!("sign in to {deed}"))
        }
        (Principal::Token(_), _) => {
            Error::unauthenticated(format!("{who} may not {deed} with this token; {remedy}"))
        }
        (_, Rule::CredentialLimit) => {
            Error::forbidden(format!("{who} may {deed}, but this token's list of permissions leaves it out"))
        }
        _ => Error::forbidden(format!("{who} may not {deed}; {remedy}")),
    };
    error.with_detail(wanted)
}

/// What was asked for, as a person would say it: `push to team/app`, `list users`, `create robots in team`.
fn deed(permission: Permission, place: &str) -> String {
    use permission::{Action, Resource};
    let action = permission.action;
    match (permission.resource, action) {
        (Resource::Repository, Action::Push) if place != SYSTEM => format!("push to {place}"),
        (Resource::Repository, _) if place != SYSTEM => format!("{action} {place}"),
        (Resource::Project, _) if place != SYSTEM => format!("{action} project {place}"),
        (resource, _) if place == SYSTEM => format!("{action} {}", things(resource)),
        (resource, _) => format!("{action} {} in {place}", things(resource)),
    }
}

fn things(resource: permission::Resource) -> String {
    use permission::Resource;
    match resource {
        Resource::Trash
        | Resource::Configuration
        | Resource::Catalog
        | Resource::AuditLog
        | Resource::Log => {
            format!("the {}", resource.as_str().replace('-', " "))
        }
        Resource::JobServiceMonitor => "jobs".to_owned(),
        Resource::PurgeAudit => "purges of the audit log".to_owned(),
        Resource::TagRetention => "retention policies".to_owned(),
        Resource::ImmutableTag => "immutable tag rules".to_owned(),
        Resource::Metadata | Resource::SystemVolumes => resource.as_str().replace('-', " "),
        _ => match resource.as_str().replace('-', " ").strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{}s", resource.as_str().replace('-', " ")),
        },
    }
}

impl<R> Permit<R> {
    /// Refuses a tag that the right is not good for.
    pub(crate) fn check_tag(&self, tag: &hythe_oci::tag::Tag) -> Result<()> {
        if self.tags().allows(tag) {
            return Ok(());
        }
        let TagLimit::Patterns(patterns) = self.tags() else { return Ok(()) };
        let error = Error::new(
            if self.caller().is_token() { Kind::Unauthenticated } else { Kind::Forbidden },
            ErrorCode::Denied,
            format!(
                "{} may use only the tags {} of {}, not {tag}",
                self.caller().described(),
                patterns.join(", "),
                self.repository()
            ),
        );
        Err(error)
    }
}
