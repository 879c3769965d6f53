//! Users: who can sign in with a password, and the administrator's hand on them.

use std::sync::Arc;
use std::time::Duration;

use hythe_metadata::project::Text;
use hythe_metadata::user::{self, NewUser, User};
use hythe_metadata::{Connection, UserId, Window, refresh_token, session};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use crate::access::system_rights::user as right;
use crate::access::{
    AdministratorPermit, Caller, Everywhere, Origin, Permit, SelfPermit, SystemRight, Through,
};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::{ROBOT_NAME_PREFIX, SELF_REGISTRATION};
use crate::error::{Error, Result};
use crate::revocations::Subject;
use crate::robots::WRONG_ROBOT;
use crate::trust_rules::looks_like_id_token;
use crate::{Registry, personal_tokens};

/// Harbor's limit, and more than anyone types.
const WRONG: &str = "the user name or the password is wrong, or the user is disabled";
const LONGEST_NAME: usize = 255;
const SHORTEST_PASSWORD: usize = 8;
/// A bound on what a stranger can make us hash.
const LONGEST_PASSWORD: usize = 1024;

/// A user to be made. No `Debug`: it holds the password.
#[derive(Clone)]
pub struct CreateUser {
    /// The name to sign in with.
    pub name: String,
    /// Address for mail; may be empty.
    pub email: String,
    /// The name people know; may be empty.
    pub full_name: String,
    /// The password in clear, hashed before it is kept.
    pub password: String,
    /// May do everything.
    pub administrator: bool,
    /// What an administrator notes; may be empty.
    pub comment: String,
}

/// What people know of a user.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Address for mail; may be empty.
    pub email: String,
    /// The name people know.
    pub full_name: String,
    /// What an administrator noted.
    pub comment: String,
}

impl Registry {
    /// Who this name and password are. Wrong name, wrong password and disabled user get the same answer. A source
    /// never has a say about the registry's own users, so that these get in whatever is down.
    pub async fn sign_in(&self, name: &str, password: &str, origin: &Arc<Origin>) -> Result<Caller> {
        if looks_like_id_token(password) && self.is_robots_name(name) {
            return self.sign_in_with_id_token(name, password, origin).await;
        }
        let attempt = self.begin_attempt(name, origin).await?;
        let outcome = self.identify(name, password, origin).await;
        self.end_attempt(attempt, &outcome).await?;
        outcome
    }

    /// In the stated order: a personal token, a robot, one of the registry's own users, the sources.
    async fn identify(&self, name: &str, password: &str, origin: &Arc<Origin>) -> Result<Caller> {
        if password.starts_with(personal_tokens::PREFIX) {
            return self.sign_in_with_token(Some(name), password, origin).await;
        }
        if let Some(robot) = self.sign_in_robot(name, password, origin).await? {
            return Ok(robot);
        }
        let mut c = self.database.connect().await?;
        let own = user::find_by_name(&mut c, name).await?.filter(|user| user.source.is_empty());
        drop(c);
        if own.is_none()
            && let Some(user) = self.sign_in_through_sources(name, password).await?
        {
            return Ok(Caller::user(Arc::new(user), Through::Password, origin.clone()));
        }
        let words = if self.is_robots_name(name) { WRONG_ROBOT } else { WRONG };
        self.sign_in_own(own, password, origin, words).await
    }

    /// A user that does not exist takes as long as one that does.
    async fn sign_in_own(
        &self,
        own: Option<User>,
        password: &str,
        origin: &Arc<Origin>,
        words: &'static str,
    ) -> Result<Caller> {
        let stored = own.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
        let right = password.len() <= LONGEST_PASSWORD && self.passwords.verify(password, stored).await?;
        match own {
            Some(user) if right => Ok(Caller::user(Arc::new(user), Through::Password, origin.clone())),
            _ => Err(Error::unauthenticated(words)),
        }
    }

    /// Makes a user.
    pub async fn create_user(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        wanted: CreateUser,
    ) -> Result<User> {
        self.insert_user(permit.caller(), wanted).await
    }

    /// Whether strangers may make accounts of their own.
    pub fn allows_self_registration(&self) -> bool {
        self.configuration().truth(&SELF_REGISTRATION)
    }

    /// Lets somebody make an account of their own, where the configuration allows it.
    pub async fn register_user(&self, caller: &Caller, wanted: CreateUser) -> Result<User> {
        if !self.allows_self_registration() {
            return Err(Error::forbidden(
                "accounts are made by an administrator; ask one (self_registration is off)",
            ));
        }
        self.insert_user(caller, CreateUser { administrator: false, ..wanted }).await
    }

    async fn insert_user(&self, caller: &Caller, wanted: CreateUser) -> Result<User> {
        validate_user_name(&wanted.name)?;
        self.refuse_robots_name(&wanted.name)?;
        validate_password(&wanted.password)?;
        let new = NewUser {
            password_hash: self.passwords.hash(&wanted.password).await?,
            name: wanted.name,
            email: Some(wanted.email).filter(|email| !email.is_empty()),
            full_name: wanted.full_name,
            administrator: wanted.administrator,
            comment: wanted.comment,
            created_at: clock::now(),
        };
        let name = new.name.clone();
        let entry =
            Entry::new(caller, "create", "user", &name).after(json!({ "administrator": new.administrator }));
        self.database
            .transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    let made = user::create(c, &new).await?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await
            .map_err(|error| match error {
                hythe_metadata::Error::Conflict { .. } => Error::conflict(format!(
                    "a user with the name {name} or with this address exists already"
                )),
                other => other.into(),
            })
    }

    /// A robot and a user shall never be taken for each other.
    fn refuse_robots_name(&self, name: &str) -> Result<()> {
        let prefix = self.configuration().text(&ROBOT_NAME_PREFIX);
        if !name.starts_with(&prefix) {
            return Ok(());
        }
        Err(Error::invalid(ErrorCode::NameInvalid, format!("names that begin with {prefix} are for robots")))
    }

    /// The user of this id: oneself, or with the right to read users.
    pub async fn get_user(&self, caller: &Caller, id: UserId) -> Result<User> {
        self.permit_over::<right::Read>(caller, id).await?;
        let mut c = self.database.connect().await?;
        user::find(&mut c, id).await?.ok_or_else(|| unknown_user_id(id))
    }

    /// The user of this name.
    pub async fn get_user_by_name(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
        name: &str,
    ) -> Result<User> {
        let mut c = self.database.connect().await?;
        user::find_by_name(&mut c, name).await?.ok_or_else(|| unknown_user(name))
    }

    /// Users whose names match, in the order of their names, and how many there are.
    pub async fn list_users(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        name: &Text,
        window: Window<&str>,
    ) -> Result<(Vec<User>, i64)> {
        self.page_of_users(name, window).await
    }

    /// As [`Registry::list_users`] for everybody who has signed in, to find whom to make a member.
    pub async fn search_users(
        &self,
        _permit: &SelfPermit,
        part: &str,
        window: Window<&str>,
    ) -> Result<(Vec<User>, i64)> {
        self.page_of_users(&Text::Part(part.to_owned()), window).await
    }

    async fn page_of_users(&self, name: &Text, window: Window<&str>) -> Result<(Vec<User>, i64)> {
        let mut c = self.database.connect().await?;
        let users = user::list(&mut c, name, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(user::count(&mut c, name, most).await?)
        };
        Ok((users, self.total(format!("user {name:?}"), count).await?))
    }

    /// Changes what people know of a user: one's own, or with the right to change users.
    pub async fn update_user_profile(&self, caller: &Caller, id: UserId, profile: Profile) -> Result<()> {
        self.permit_over::<right::Update>(caller, id).await?;
        validate_profile(&profile)?;
        let (now, caller) = (clock::now(), caller.clone());
        self.database
            .try_transaction(move |c| {
                let (profile, caller) = (profile.clone(), caller.clone());
                Box::pin(async move {
                    let found = user::find(c, id).await?.ok_or_else(|| unknown_user_id(id))?;
                    let entry = Entry::new(&caller, "update", "user", &found.name)
                        .before(json!({ "email": found.email, "realname": found.full_name }))
                        .after(json!({ "email": profile.email, "realname": profile.full_name }));
                    entry.write(c).await?;
                    let email = Some(profile.email.as_str()).filter(|email| !email.is_empty());
                    let updated =
                        user::update_profile(c, id, email, &profile.full_name, &profile.comment, now).await;
                    match updated {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(unknown_user_id(id)),
                        Err(hythe_metadata::Error::Conflict { what }) => Err(Error::conflict(what)),
                        Err(other) => Err(other.into()),
                    }
                })
            })
            .await
    }

    /// Sets a new password and ends what was signed in with the old one. One's own needs the old one.
    pub async fn change_password(
        &self,
        caller: &Caller,
        id: UserId,
        old: Option<&str>,
        password: &str,
    ) -> Result<()> {
        let found = self.get_user_to_change(caller, id).await?;
        if caller.user_id() == Some(id) {
            let right = self.passwords.verify(old.unwrap_or_default(), Some(&found.password_hash)).await?;
            if !right {
                return Err(Error::forbidden("the old password is wrong"));
            }
        }
        if !found.source.is_empty() {
            return Err(Error::conflict(format!(
                "{} signs in through {}, which keeps the password",
                found.name, found.source
            )));
        }
        validate_password(password)?;
        let (hash, lifetime) = (self.passwords.hash(password).await?, self.longest_token_lifetime());
        let entry = Entry::new(caller, "update", "user", &found.name).after(json!({ "password": "changed" }));
        self.database
            .transaction(move |c| {
                let (hash, entry) = (hash.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    user::update_password(c, id, &hash).await?;
                    end_all(c, id, lifetime).await
                })
            })
            .await?;
        Ok(())
    }

    async fn get_user_to_change(&self, caller: &Caller, id: UserId) -> Result<User> {
        self.permit_over::<right::Update>(caller, id).await?;
        let mut c = self.database.connect().await?;
        user::find(&mut c, id).await?.ok_or_else(|| unknown_user_id(id))
    }

    /// Makes a user an administrator, or one no more.
    pub async fn set_user_administrator(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: UserId,
        administrator: bool,
    ) -> Result<()> {
        let _: AdministratorPermit = self.permit_administrator(permit.caller())?;
        let (lifetime, caller) = (self.longest_token_lifetime(), permit.caller().clone());
        self.database
            .try_transaction(move |c| {
                let caller = caller.clone();
                Box::pin(async move {
                    let found = user::find(c, id).await?.ok_or_else(|| unknown_user_id(id))?;
                    if !administrator {
                        keep_one_administrator(c, &found).await?;
                    }
                    user::set_administrator(c, id, administrator).await?;
                    let entry = Entry::new(&caller, "update", "user", &found.name)
                        .before(json!({ "administrator": found.administrator }))
                        .after(json!({ "administrator": administrator }));
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::User(id), lifetime).await?)
                })
            })
            .await
    }

    /// Lets a user in or keeps them out.
    pub async fn set_user_disabled(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: UserId,
        disabled: bool,
    ) -> Result<()> {
        let (lifetime, caller) = (self.longest_token_lifetime(), permit.caller().clone());
        self.database
            .try_transaction(move |c| {
                let caller = caller.clone();
                Box::pin(async move {
                    let found = user::find(c, id).await?.ok_or_else(|| unknown_user_id(id))?;
                    if disabled {
                        keep_one_administrator(c, &found).await?;
                    }
                    user::set_disabled(c, id, disabled).await?;
                    let entry = Entry::new(&caller, "update", "user", &found.name);
                    entry.after(json!({ "disabled": disabled })).write(c).await?;
                    Ok(end_all(c, id, lifetime).await?)
                })
            })
            .await
    }

    /// Deletes a user; what they pushed stays.
    pub async fn delete_user(&self, permit: &Permit<right::Delete, Everywhere>, id: UserId) -> Result<()> {
        if permit.caller().user_id() == Some(id) {
            return Err(Error::forbidden("nobody deletes themselves; another administrator can"));
        }
        let (lifetime, caller) = (self.longest_token_lifetime(), permit.caller().clone());
        self.database
            .try_transaction(move |c| {
                let caller = caller.clone();
                Box::pin(async move {
                    let found = user::find(c, id).await?.ok_or_else(|| unknown_user_id(id))?;
                    keep_one_administrator(c, &found).await?;
                    user::delete(c, id).await?;
                    Entry::new(&caller, "delete", "user", &found.name).write(c).await?;
                    Ok(Registry::revoke(c, Subject::User(id), lifetime).await?)
                })
            })
            .await
    }

    /// Oneself, or the right over users.
    async fn permit_over<R: SystemRight>(&self, caller: &Caller, id: UserId) -> Result<()> {
        let oneself = self.permit_self(caller).is_ok_and(|permit| permit.user().id == id);
        if oneself { Ok(()) } else { self.permit_everywhere::<R>(caller).await.map(|_| ()) }
    }
}

/// Ends everything that a user is signed in with, but personal tokens, which are deleted one by one.
async fn end_all(
    c: &mut Connection,
    id: UserId,
    lifetime: Duration,
) -> std::result::Result<(), hythe_metadata::Error> {
    refresh_token::delete_for_user(c, id).await?;
    session::delete_for_user(c, id).await?;
    Registry::revoke(c, Subject::User(id), lifetime).await
}

/// Refuses to take away the last administrator: nobody could let anyone in again.
async fn keep_one_administrator(c: &mut Connection, user: &User) -> Result<()> {
    if user.administrator && !user.disabled && user::count_administrators(c).await? <= 1 {
        return Err(Error::conflict(format!(
            "{} is the last administrator; make another one first",
            user.name
        )));
    }
    Ok(())
}

fn validate_profile(profile: &Profile) -> Result<()> {
    let longest = [&profile.email, &profile.full_name, &profile.comment].into_iter().map(String::len).max();
    let address = profile.email.is_empty()
        || (profile.email.contains('@') && !profile.email.contains(char::is_whitespace));
    if address && longest.is_none_or(|longest| longest <= LONGEST_NAME) {
        return Ok(());
    }
    Err(Error::bad_request(format!(
        "an address has an @ and no spaces; address, name and comment have at most {LONGEST_NAME} bytes"
    )))
}

fn unknown_user_id(id: UserId) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no user with the id {id}"))
}

pub(crate) fn unknown_user(name: &str) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no user named {name}"))
}

/// Names that no shell, URL or header breaks.
pub(crate) fn validate_user_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(allowed) {
        return Err(Error::invalid(
            ErrorCode::NameInvalid,
            format!("{} is no user name: use 1 to 255 of a-z A-Z 0-9 . _ - @ +", name.escape_debug()),
        ));
    }
    Ok(())
}

pub(crate) fn validate_password(password: &str) -> Result<()> {
    if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&password.len()) {
        return Ok(());
    }
    Err(Error::bad_request(format!(
        "a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} bytes; this one has {}",
        password.len()
    )))
}
