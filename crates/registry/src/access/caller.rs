//! Who is calling, how they proved it, from where, and what their credential leaves them of their rights.

use std::sync::Arc;

use hythe_metadata::ids::{ProjectId, UserId};
use hythe_metadata::user::User;

use super::permissions::PermissionList;
use crate::claims::Claims;

/// Who is calling, as far as the request proves it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// By what credential.
    pub through: Through,
    /// What that credential leaves of the principal's rights; none for all of them.
    pub limit: Option<Arc<PermissionList>>,
    /// From where.
    pub origin: Arc<Origin>,
}

/// Somebody or something that rights can be given to.
#[derive(Clone, Debug)]
pub enum Principal {
    /// Nobody in particular.
    Anonymous,
    /// A person.
    User(Arc<User>),
    /// A machine.
    Robot(Arc<RobotPrincipal>),
    /// The bearer of a registry token; it may do what the token says and no more.
    Token(Arc<Claims>),
    /// Whoever may write the database: a command on the machine itself.
    Operator,
}

/// A robot as it counts in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotPrincipal {
    /// Its id.
    pub id: i64,
    /// Its full name, with prefix and project.
    pub name: String,
    /// Its project; none for a robot of the system.
    pub project_id: Option<ProjectId>,
    /// What it was given.
    pub permissions: PermissionList,
}

/// The credential that proved who is calling, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// None was shown.
    Nothing,
    /// A password.
    Password,
    /// A browser's session.
    Session(i64),
    /// A personal token.
    PersonalToken(i64),
    /// A robot's secret.
    RobotSecret(i64),
    /// A token of an issuer that this trust rule trusts.
    TrustRule(i64),
    /// A registry token, by its own id.
    RegistryToken(String),
    /// A refresh token.
    RefreshToken,
    /// A command on the machine.
    Command,
}

impl std::fmt::Display for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Through::Nothing => f.write_str("nothing"),
            Through::Password => f.write_str("password"),
            Through::Session(id) => write!(f, "session:{id}"),
            Through::PersonalToken(id) => write!(f, "token:{id}"),
            Through::RobotSecret(id) => write!(f, "robot-secret:{id}"),
            Through::TrustRule(id) => write!(f, "trust-rule:{id}"),
            Through::RegistryToken(id) => write!(f, "registry-token:{id}"),
            Through::RefreshToken => f.write_str("refresh-token"),
            Through::Command => f.write_str("command"),
        }
    }
}

/// Where a request came from, for the audit log and for throttling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as a trusted proxy gives it or as the socket has it; empty for a command.
    pub address: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// The request's id, as `X-Request-Id` tells it.
    pub request_id: String,
}

impl Caller {
    /// Nobody in particular.
    pub fn anonymous(origin: Arc<Origin>) -> Caller {
        Caller { principal: Principal::Anonymous, through: Through::Nothing, limit: None, origin }
    }

    /// A user with all rights that are theirs.
    pub fn user(user: Arc<User>, through: Through, origin: Arc<Origin>) -> Caller {
        Caller { principal: Principal::User(user), through, limit: None, origin }
    }

    /// A robot.
    pub fn robot(robot: Arc<RobotPrincipal>, through: Through, origin: Arc<Origin>) -> Caller {
        Caller { principal: Principal::Robot(robot), through, limit: None, origin }
    }

    /// The bearer of a registry token.
    pub fn token(claims: Arc<Claims>, origin: Arc<Origin>) -> Caller {
        let through = Through::RegistryToken(claims.jti.clone());
        Caller { principal: Principal::Token(claims), through, limit: None, origin }
    }

    /// For commands on the machine itself: whoever may write the database is an administrator of it.
    pub fn operator() -> Caller {
        Caller {
            principal: Principal::Operator,
            through: Through::Command,
            limit: None,
            origin: Arc::default(),
        }
    }

    /// The name for logs, history and limits; none for a stranger.
    pub fn name(&self) -> Option<&str> {
        match &self.principal {
            Principal::Anonymous => None,
            Principal::User(user) => Some(&user.name),
            Principal::Robot(robot) => Some(&robot.name),
            Principal::Token(claims) if claims.sub.is_empty() => None,
            Principal::Token(claims) => Some(&claims.sub),
            Principal::Operator => Some("operator"),
        }
    }

    /// The word for the principal's kind, for the audit log.
    pub fn kind(&self) -> &'static str {
        match &self.principal {
            Principal::Anonymous => "anonymous",
            Principal::User(_) => "user",
            Principal::Robot(_) => "robot",
            Principal::Token(claims) if claims.rid.is_some() => "robot",
            Principal::Token(claims) if claims.uid.is_some() => "user",
            Principal::Token(_) => "anonymous",
            Principal::Operator => "operator",
        }
    }

    /// Nobody has said who they are.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.principal, Principal::Anonymous)
    }

    /// A registry token speaks for its bearer.
    pub fn is_token(&self) -> bool {
        matches!(self.principal, Principal::Token(_))
    }

    /// May do everything, as far as the credential lets it.
    pub(crate) fn is_administrator(&self) -> bool {
        match &self.principal {
            Principal::User(user) => user.is_administrator(),
            Principal::Operator => true,
            Principal::Anonymous | Principal::Robot(_) | Principal::Token(_) => false,
        }
    }

    /// The user who calls, if a user calls.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.principal {
            Principal::User(user) => Some(user.id),
            Principal::Token(claims) => claims.uid,
            Principal::Anonymous | Principal::Robot(_) | Principal::Operator => None,
        }
    }

    /// How a refusal calls the caller.
    pub(crate) fn described(&self) -> String {
        match &self.principal {
            Principal::Anonymous => "a stranger".to_owned(),
            Principal::User(user) => format!("user {}", user.name),
            Principal::Robot(robot) => format!("robot {}", robot.name),
            Principal::Token(claims) if claims.sub.is_empty() => "a stranger".to_owned(),
            Principal::Token(claims) => format!("{} {}", self.kind(), claims.sub),
            Principal::Operator => "the operator".to_owned(),
        }
    }
}
