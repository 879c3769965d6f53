//! Why somebody may or may not do something: the decision itself, asked for its reason.

use std::sync::Arc;

use hythe_metadata::{project, user};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::tag::Tag;

use super::decision::{Decision, Place, decide};
use super::permission::{PROJECT_RULES, SYSTEM_PERMISSIONS, project_rule};
use super::{Caller, Permission, Permit, Through, rights, system_rights};
use crate::Registry;
use crate::error::{Error, Result};
use crate::projects::unknown_project;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// About whom; none for the one who asks. A user's name, a robot's full name, or `anonymous`.
    pub about: Option<String>,
    /// About what.
    pub permission: Permission,
    /// In which project; none for the system.
    pub project: Option<ProjectName>,
    /// In which repository of it.
    pub repository: Option<RepositoryName>,
    /// For which tag.
    pub tag: Option<Tag>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Who was asked about.
    pub principal: String,
    /// The rule that decided, in words.
    pub rule: String,
}

impl Registry {
    /// May this principal do this here, and which rule says so. Everybody may ask about themselves; about others
    /// those who may see the project's members, and administrators.
    pub async fn explain(&self, caller: &Caller, question: &Question) -> Result<Explanation> {
        let subject = self.subject(caller, question).await?;
        validate(question)?;
        let decision = self.decide_question(&subject, question).await?;
        let refused_tag = question.tag.as_ref().filter(|tag| decision.allowed && !decision.tags.allows(tag));
        let rule = match refused_tag {
            Some(tag) => format!("{}, which does not cover tag {tag}", decision.rule),
            None => decision.rule.to_string(),
        };
        Ok(Explanation {
            allowed: decision.allowed && refused_tag.is_none(),
            principal: subject.name().unwrap_or("anonymous").to_owned(),
            rule,
        })
    }

    /// All that the caller may do in a project, or over the system, in the order of the tables.
    pub async fn permissions_of(&self, caller: &Caller, project_id: Option<i64>) -> Result<Vec<Permission>> {
        let mut c = self.database.connect().await?;
        let found = match project_id {
            Some(id) => project::find_by_id(&mut c, id).await?,
            None => None,
        };
        let (place, asked): (Place<'_>, Vec<Permission>) = match (&found, project_id) {
            (Some(found), _) => {
                (Place::Project(found), PROJECT_RULES.iter().map(|rule| rule.permission).collect())
            }
            (None, Some(_)) => return Ok(Vec::new()),
            (None, None) => (Place::Everywhere, SYSTEM_PERMISSIONS.to_vec()),
        };
        let mut allowed = Vec::new();
        for permission in asked {
            if decide(&mut c, caller, permission, place).await?.allowed {
                allowed.push(permission);
            }
        }
        Ok(allowed)
    }

    async fn decide_question(&self, subject: &Caller, question: &Question) -> Result<Decision> {
        let mut c = self.database.connect().await?;
        let Some(name) = &question.project else {
            return decide(&mut c, subject, question.permission, Place::Everywhere).await;
        };
        let found = project::find(&mut c, name).await?.ok_or_else(|| unknown_project(name))?;
        let place = match &question.repository {
            Some(repository) => Place::Repository(&found, repository),
            None => Place::Project(&found),
        };
        decide(&mut c, subject, question.permission, place).await
    }

    /// Whom the question is about, if the caller may ask about them.
    async fn subject(&self, caller: &Caller, question: &Question) -> Result<Caller> {
        let Some(about) = &question.about else { return self.behind_token(caller).await };
        if caller.name() == Some(about) {
            return Ok(caller.clone());
        }
        match &question.project {
            Some(name) => {
                let _: Permit<rights::member::List, _> = self.permit_in_project(caller, name).await?;
            }
            None => {
                let _: Permit<system_rights::grant::Read, _> = self.permit_everywhere(caller).await?;
            }
        }
        self.find_subject(about).await
    }

    async fn find_subject(&self, about: &str) -> Result<Caller> {
        if about == "anonymous" {
            return Ok(Caller::anonymous(Arc::default()));
        }
        let mut c = self.database.connect().await?;
        if let Some(user) = user::find_by_name(&mut c, about).await? {
            if user.disabled {
                return Err(Error::conflict(format!("user {about} is disabled and may do nothing")));
            }
            return Ok(Caller::user(Arc::new(user), Through::Nothing, Arc::default()));
        }
        drop(c);
        if let Some(robot) = self.find_robot_by_full_name(about).await? {
            let principal = Arc::new(self.robot_principal(&robot)?);
            return Ok(Caller::robot(principal, Through::Nothing, Arc::default()));
        }
        Err(Error::unknown(ErrorCode::NameUnknown, format!("there is no user or robot named {about}")))
    }
}

/// A permission that the place does not have is a mistake of the asker and not a "no".
fn validate(question: &Question) -> Result<()> {
    let bad = |message: String| Err(Error::bad_request(message));
    match (&question.project, &question.repository) {
        (None, None) if !SYSTEM_PERMISSIONS.contains(&question.permission) => {
            bad(format!("{} is no permission of the system; name a project", question.permission))
        }
        (None, Some(_)) => bad("a repository is asked about together with its project".to_owned()),
        (Some(_), _) if project_rule(question.permission).is_none() => {
            bad(format!("{} is no permission of a project", question.permission))
        }
        (Some(project), Some(repository)) if repository.project() != *project => {
            bad(format!("repository {repository} is not in project {project}"))
        }
        _ => Ok(()),
    }
}
