//! Users: who can sign in with a password, and the administrator's hand on them.

use std::sync::Arc;

use hythe_metadata::Window;
use hythe_metadata::user::{self, NewUser, User};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::{AdministratorPermit, Caller, Origin, Through};
use crate::clock;
use crate::error::{Error, Result};

/// Harbor's limit, and more than anyone types.
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
}

impl Registry {
    /// Who this name and password are: one of the registry's own users, or somebody a source vouches for. Wrong name,
    /// wrong password and disabled user get the same answer. A source never has a say about the registry's own.
    pub async fn sign_in(&self, name: &str, password: &str, origin: &Arc<Origin>) -> Result<Caller> {
        let mut connection = self.database.connect().await?;
        let own = user::find_by_name(&mut connection, name).await?.filter(|user| user.source.is_empty());
        drop(connection);
        if own.is_none()
            && let Some(user) = self.sign_in_through_sources(name, password).await?
        {
            return Ok(Caller::user(Arc::new(user), Through::Password, origin.clone()));
        }
        let stored = own.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
        let right = password.len() <= LONGEST_PASSWORD && self.passwords.verify(password, stored).await?;
        match own {
            Some(user) if right => Ok(Caller::user(Arc::new(user), Through::Password, origin.clone())),
            _ => {
                Err(Error::unauthenticated("the user name or the password is wrong, or the user is disabled"))
            }
        }
    }

    /// Makes a user.
    pub async fn create_user(&self, _permit: &AdministratorPermit, wanted: CreateUser) -> Result<User> {
        validate_user_name(&wanted.name)?;
        validate_password(&wanted.password)?;
        let new = NewUser {
            password_hash: self.passwords.hash(&wanted.password).await?,
            name: wanted.name,
            email: Some(wanted.email).filter(|email| !email.is_empty()),
            full_name: wanted.full_name,
            administrator: wanted.administrator,
            created_at: clock::now(),
        };
        let name = new.name.clone();
        self.database
            .transaction(move |c| {
                let new = new.clone();
                Box::pin(async move { user::create(c, &new).await })
            })
            .await
            .map_err(|error| match error {
                hythe_metadata::Error::Conflict { .. } => Error::conflict(format!(
                    "a user with the name {name} or with this address exists already"
                )),
                other => other.into(),
            })
    }

    /// The user of this name.
    pub async fn get_user(&self, _permit: &AdministratorPermit, name: &str) -> Result<User> {
        let mut connection = self.database.connect().await?;
        user::find_by_name(&mut connection, name).await?.ok_or_else(|| unknown_user(name))
    }

    /// Users in the order of their names, and how many there are.
    pub async fn list_users(
        &self,
        _permit: &AdministratorPermit,
        window: Window<&str>,
    ) -> Result<(Vec<User>, i64)> {
        let mut c = self.database.connect().await?;
        let users = user::list(&mut c, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(user::count(&mut c, most).await?)
        };
        Ok((users, self.total("user".to_owned(), count).await?))
    }

    /// Sets a new password; what was signed in with the old one stays so until its token expires.
    pub async fn change_password(
        &self,
        permit: &AdministratorPermit,
        name: &str,
        password: &str,
    ) -> Result<()> {
        validate_password(password)?;
        let id = self.get_user(permit, name).await?.id;
        let hash = self.passwords.hash(password).await?;
        self.database
            .transaction(move |c| {
                let hash = hash.clone();
                Box::pin(async move {
                    user::update_password(c, id, &hash).await?;
                    hythe_metadata::refresh_token::delete_for_user(c, id).await
                })
            })
            .await?;
        Ok(())
    }

    /// Lets a user in or keeps them out.
    pub async fn set_user_disabled(
        &self,
        permit: &AdministratorPermit,
        name: &str,
        disabled: bool,
    ) -> Result<()> {
        let found = self.get_user(permit, name).await?;
        if disabled {
            self.keep_one_administrator(&found).await?;
        }
        self.database
            .transaction(move |c| Box::pin(async move { user::set_disabled(c, found.id, disabled).await }))
            .await?;
        Ok(())
    }

    /// Deletes a user; what they pushed stays.
    pub async fn delete_user(&self, permit: &AdministratorPermit, name: &str) -> Result<()> {
        let found = self.get_user(permit, name).await?;
        self.keep_one_administrator(&found).await?;
        self.database.transaction(move |c| Box::pin(async move { user::delete(c, found.id).await })).await?;
        Ok(())
    }

    /// Refuses to take away the last administrator: nobody could let anyone in again.
    async fn keep_one_administrator(&self, user: &User) -> Result<()> {
        let mut connection = self.database.connect().await?;
        if user.administrator && !user.disabled && user::count_administrators(&mut connection).await? <= 1 {
            return Err(Error::conflict(format!(
                "{} is the last administrator; make another one first",
                user.name
            )));
        }
        Ok(())
    }
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
    Err(Error::invalid(
        ErrorCode::Denied,
        format!(
            "a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} bytes; this one has {}",
            password.len()
        ),
    ))
}
