//! Who may do what: the only place that decides. A handler gets a [`Permit`] here or an answer that refuses.
//!
//! What a stranger may learn is decided here too: a repository that does not exist and one that may not be seen
//! are refused with the same words.

use std::marker::PhantomData;
use std::sync::Arc;

use hythe_metadata::repository::Visible;
use hythe_metadata::user::User;
use hythe_metadata::{blob, member, project};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::scope::Action;

use crate::Registry;
use crate::claims::Claims;
use crate::error::{Error, Kind, Result};

/// Who is calling, as far as the request proves it.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// A user who showed a password with this very request.
    User(Arc<User>),
    /// The bearer of a token; it may do what the token says and no more.
    Token(Arc<Claims>),
}

impl Caller {
    /// The name for logs, history and limits; none for a stranger.
    pub fn name(&self) -> Option<&str> {
        match self {
            Caller::Anonymous => None,
            Caller::User(user) => Some(&user.name),
            Caller::Token(claims) if claims.sub.is_empty() => None,
            Caller::Token(claims) => Some(&claims.sub),
        }
    }

    fn is_administrator(&self) -> bool {
        matches!(self, Caller::User(user) if user.administrator)
    }

    pub(crate) fn user_id(&self) -> Option<i64> {
        match self {
            Caller::Anonymous => None,
            Caller::User(user) => Some(user.id),
            Caller::Token(claims) => claims.uid,
        }
    }
}

/// The right to pull from a repository.
#[derive(Clone, Copy, Debug)]
pub enum Pull {}
/// The right to push to a repository.
#[derive(Clone, Copy, Debug)]
pub enum Push {}
/// The right to delete in a repository.
#[derive(Clone, Copy, Debug)]
pub enum Delete {}

/// A right as a type, so that a function can ask for exactly the one it needs.
pub trait Right {
    /// The action this right stands for.
    const ACTION: Action;
}

impl Right for Pull {
    const ACTION: Action = Action::Pull;
}
impl Right for Push {
    const ACTION: Action = Action::Push;
}
impl Right for Delete {
    const ACTION: Action = Action::Delete;
}

/// Proof that `R` on this repository was allowed. Only this module can make one.
#[derive(Clone, Debug)]
pub struct Permit<R> {
    repository: RepositoryName,
    caller: Caller,
    right: PhantomData<R>,
}

impl<R> Permit<R> {
    /// The repository it is good for.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Who holds it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The holder's name as history keeps it.
    pub(crate) fn holder(&self) -> String {
        self.caller.name().unwrap_or("anonymous").to_owned()
    }
}

/// Proof that the caller is an administrator.
#[derive(Debug)]
pub struct AdministratorPermit(());

impl AdministratorPermit {
    /// For commands on the machine itself: whoever may write the database is an administrator of it.
    pub fn for_local_command() -> AdministratorPermit {
        AdministratorPermit(())
    }
}

/// Harbor's project roles, by Harbor's ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May do everything in the project.
    ProjectAdmin = 1,
    /// May pull and push.
    Developer = 2,
    /// May pull.
    Guest = 3,
    /// May pull, push and delete.
    Maintainer = 4,
    /// May pull.
    LimitedGuest = 5,
}

impl Role {
    /// All roles, in the order in which Harbor numbers them.
    pub const ALL: [Role; 5] =
        [Role::ProjectAdmin, Role::Developer, Role::Guest, Role::Maintainer, Role::LimitedGuest];

    /// The role with this id.
    pub fn from_id(id: i16) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.id() == id)
    }

    /// The id in rows and in Harbor's API.
    pub fn id(self) -> i16 {
        self as i16
    }

    /// Harbor's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Role::ProjectAdmin => "projectAdmin",
            Role::Developer => "developer",
            Role::Guest => "guest",
            Role::Maintainer => "maintainer",
            Role::LimitedGuest => "limitedGuest",
        }
    }

    /// What it may do with repositories.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Role::ProjectAdmin | Role::Maintainer => &[Action::Pull, Action::Push, Action::Delete],
            Role::Developer => &[Action::Pull, Action::Push],
            Role::Guest | Role::LimitedGuest => &[Action::Pull],
        }
    }
}

impl Registry {
    /// Decides whether `caller` has the right `R` on `repository`.
    pub async fn permit<R: Right>(&self, caller: &Caller, repository: &RepositoryName) -> Result<Permit<R>> {
        let allowed = match caller {
            Caller::Token(claims) => claims.allows(repository, R::ACTION),
            _ => self.allowed_actions(caller, &repository.project()).await?.contains(&R::ACTION),
        };
        if !allowed {
            return Err(refusal(caller, repository, R::ACTION));
        }
        Ok(Permit { repository: repository.clone(), caller: caller.clone(), right: PhantomData })
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
        let allowed = self.allowed_actions(&bearer, &repository.project()).await?.contains(&Action::Pull);
        let permit = || Permit { repository: repository.clone(), caller: caller.clone(), right: PhantomData };
        Ok(allowed.then(permit))
    }

    /// Whether the caller could pull a blob from some repository, and which: any for an administrator, else those of
    /// public projects and of their own.
    pub(crate) async fn may_find(&self, caller: &Caller, digest: &Digest) -> Result<bool> {
        let bearer = self.behind_token(caller).await?;
        let mut connection = self.database.connect().await?;
        if bearer.is_administrator() {
            return Ok(blob::find(&mut connection, digest).await?.is_some());
        }
        Ok(blob::mountable(&mut connection, digest, bearer.user_id()).await?)
    }

    /// The user for whom a token was made, as they are now; anybody else is who they are.
    async fn behind_token(&self, caller: &Caller) -> Result<Caller> {
        let Caller::Token(claims) = caller else { return Ok(caller.clone()) };
        Ok(self.find_bearer(claims).await?.map_or(Caller::Anonymous, Caller::User))
    }

    /// What a caller may do with the repositories of a project. One that does not exist allows nothing, except to an
    /// administrator, who may learn that it does not: the request goes on and says so.
    pub(crate) async fn allowed_actions(&self, caller: &Caller, name: &ProjectName) -> Result<Vec<Action>> {
        let mut connection = self.database.connect().await?;
        let found = match project::find(&mut connection, name).await? {
            Some(found) if !caller.is_administrator() => found,
            _ => return Ok(administrators_actions(caller)),
        };
        let mut actions = Vec::new();
        if let Some(user_id) = caller.user_id()
            && let Some(role) = member::role(&mut connection, name, user_id).await?.and_then(Role::from_id)
        {
            actions.extend_from_slice(role.actions());
        }
        if found.public && !actions.contains(&Action::Pull) {
            actions.push(Action::Pull);
        }
        Ok(actions)
    }

    /// The caller must be an administrator.
    pub fn permit_administrator(&self, caller: &Caller) -> Result<AdministratorPermit> {
        match caller {
            Caller::User(user) if user.administrator => Ok(AdministratorPermit(())),
            Caller::User(user) => Err(Error::new(
                Kind::Forbidden,
                ErrorCode::Denied,
                format!("user {} is not an administrator", user.name),
            )),
            Caller::Anonymous | Caller::Token(_) => {
                Err(Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, "sign in as an administrator"))
            }
        }
    }

    /// Which repositories the catalog may show this caller. A stranger has to show at least an anonymous token,
    /// so that clients learn to sign in first.
    pub(crate) async fn visible_to(&self, caller: &Caller) -> Result<Visible> {
        let user = match caller {
            Caller::Token(claims) if claims.allows_catalog() => self.find_bearer(claims).await?,
            Caller::User(user) => Some(user.clone()),
            Caller::Anonymous | Caller::Token(_) => {
                return Err(Error::new(
                    Kind::Unauthenticated,
                    ErrorCode::Unauthorized,
                    "sign in to list the repositories",
                ));
            }
        };
        Ok(match user {
            Some(user) if user.administrator => Visible::All,
            Some(user) => Visible::Subject(user.id),
            None => Visible::Public,
        })
    }

    /// The user a token was made for; none for an anonymous token or a user who is gone.
    async fn find_bearer(&self, claims: &Claims) -> Result<Option<Arc<User>>> {
        let Some(id) = claims.uid else { return Ok(None) };
        let mut connection = self.database.connect().await?;
        let user = hythe_metadata::user::find(&mut connection, id).await?;
        Ok(user.filter(|user| !user.disabled).map(Arc::new))
    }
}

/// Everything for an administrator, nothing for anybody else.
fn administrators_actions(caller: &Caller) -> Vec<Action> {
    if caller.is_administrator() { Role::ProjectAdmin.actions().to_vec() } else { Vec::new() }
}

/// The words of a refusal. They are the same whether the repository exists or not.
fn refusal(caller: &Caller, repository: &RepositoryName, action: Action) -> Error {
    let wanted =
        serde_json::json!([{ "type": "repository", "name": repository.as_str(), "action": action.as_str() }]);
    match caller {
        Caller::Anonymous => Error::new(
            Kind::Unauthenticated,
            ErrorCode::Unauthorized,
            format!("sign in to {action} {repository}"),
        ),
        Caller::Token(_) => Error::new(
            Kind::Unauthenticated,
            ErrorCode::Unauthorized,
            format!("the token does not allow to {action} {repository}"),
        ),
        Caller::User(user) => Error::new(
            Kind::Forbidden,
            ErrorCode::Denied,
            format!("user {} may not {action} {repository}; a project administrator can grant it", user.name),
        ),
    }
    .with_detail(wanted)
}
