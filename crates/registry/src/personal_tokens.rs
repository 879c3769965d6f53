//! Personal tokens: what a person's scripts and clients sign in with in place of the password.

use std::sync::Arc;

use aws_lc_rs::digest;
use hythe_metadata::personal_token::{self, NewPersonalToken, PersonalToken};
use hythe_metadata::{Connection, user};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use crate::Registry;
use crate::access::{Caller, Origin, PermissionList, SelfPermit, Through};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::passwords::random_secret;
use crate::revocations::Subject;

/// What every token begins with, so that it is known for one: by us at sign-in, and by what looks for leaked secrets.
pub const PREFIX: &str = "hythe_pat_";

const LONGEST_NAME: usize = 100;
const MOST_TOKENS: usize = 100;
const WRONG: &str = "the personal token is wrong, has expired or was deleted";

/// A token to be made.
#[derive(Clone, Debug)]
pub struct WantedPersonalToken {
    /// What its owner calls it.
    pub name: String,
    /// When it stops working, microseconds since the epoch; none for never.
    pub expires_at: Option<clock::Micros>,
    /// What it leaves of its owner's rights; none for all of them.
    pub permissions: Option<PermissionList>,
}

/// A token that was just made, with the one chance to read it.
pub struct CreatedPersonalToken {
    /// The row.
    pub token: PersonalToken,
    /// The token itself.
    pub secret: String,
}

impl Registry {
    /// Makes a token for the caller.
    pub async fn create_personal_token(
        &self,
        permit: &SelfPermit,
        wanted: WantedPersonalToken,
    ) -> Result<CreatedPersonalToken> {
        validate(&wanted)?;
        let secret = format!("{PREFIX}{}", random_secret()?);
        let permissions = wanted.permissions.as_ref().map(serde_json::to_string).transpose();
        let new = NewPersonalToken {
            user_id: permit.user().id,
            name: wanted.name,
            hash: hash(&secret),
            permissions: permissions
                .map_err(|error| Error::internal("the permissions cannot be written", error))?,
            created_at: clock::now(),
            expires_at: wanted.expires_at,
        };
        let entry = Entry::new(permit.caller(), "create", "token", &new.name)
            .after(json!({ "permissions": wanted.permissions, "expires_at": wanted.expires_at }));
        let token = self
            .database
            .try_transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    if personal_token::list(c, new.user_id).await?.len() >= MOST_TOKENS {
                        return Err(Error::conflict(format!(
                            "a user has at most {MOST_TOKENS} tokens; delete one first"
                        )));
                    }
                    let made = personal_token::create(c, &new).await.map_err(|error| match error {
                        hythe_metadata::Error::Conflict { .. } => {
                            Error::conflict(format!("you have a token named {} already", new.name))
                        }
                        other => other.into(),
                    })?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await?;
        Ok(CreatedPersonalToken { token, secret })
    }

    /// The caller's tokens.
    pub async fn list_personal_tokens(&self, permit: &SelfPermit) -> Result<Vec<PersonalToken>> {
        let mut c = self.database.connect().await?;
        Ok(personal_token::list(&mut c, permit.user().id).await?)
    }

    /// Deletes one of the caller's tokens; registry tokens made with it stop working too.
    pub async fn delete_personal_token(&self, permit: &SelfPermit, id: i64) -> Result<()> {
        let (owner, lifetime) = (permit.user().id, self.longest_token_lifetime());
        let entry = Entry::new(permit.caller(), "delete", "token", id);
        self.database
            .try_transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    if !personal_token::delete(c, owner, id).await? {
                        return Err(Error::unknown(
                            ErrorCode::NameUnknown,
                            format!("you have no token with the id {id}"),
                        ));
                    }
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::PersonalToken(id), lifetime).await?)
                })
            })
            .await
    }

    /// Whose token this is. A name that was sent along must be the owner's, unless it is empty.
    pub async fn sign_in_with_token(
        &self,
        name: Option<&str>,
        secret: &str,
        origin: &Arc<Origin>,
    ) -> Result<Caller> {
        let wrong = || Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, WRONG);
        let mut c = self.database.connect().await?;
        let found = personal_token::find_by_hash(&mut c, &hash(secret), clock::now()).await?;
        let token = found.ok_or_else(wrong)?;
        let owner =
            user::find(&mut c, token.user_id).await?.filter(|owner| !owner.disabled).ok_or_else(wrong)?;
        drop(c);
        if name.is_some_and(|name| !name.is_empty() && name != owner.name) {
            return Err(wrong());
        }
        self.uses.note_personal_token(token.id, origin);
        let owner = self.keep_fresh(Arc::new(owner)).await?;
        let caller = Caller::user(owner, Through::PersonalToken(token.id), origin.clone());
        limited(caller, &token)
    }

    /// The bearer of a registry token that was made for a personal token: nobody if that one is gone.
    pub(crate) async fn limited_by_token(
        &self,
        c: &mut Connection,
        caller: Caller,
        id: i64,
    ) -> Result<Caller> {
        match personal_token::find(c, id, clock::now()).await? {
            Some(token) => limited(caller, &token),
            None => Ok(Caller::anonymous(caller.origin)),
        }
    }
}

fn limited(mut caller: Caller, token: &PersonalToken) -> Result<Caller> {
    let list = token.permissions.as_deref().map(serde_json::from_str::<PermissionList>).transpose();
    let list = list.map_err(|error| Error::internal("the token's permissions cannot be read", error))?;
    caller.limit = list.map(Arc::new);
    Ok(caller)
}

fn validate(wanted: &WantedPersonalToken) -> Result<()> {
    let bad = |message: String| Err(Error::bad_request(message));
    if wanted.name.is_empty() || wanted.name.len() > LONGEST_NAME || wanted.name.chars().any(char::is_control)
    {
        return bad(format!("a token's name has 1 to {LONGEST_NAME} bytes and no control characters"));
    }
    if wanted.expires_at.is_some_and(|at| at <= clock::now()) {
        return bad("the token would expire in the past".to_owned());
    }
    match wanted.permissions.as_ref().map(PermissionList::validate) {
        Some(Err(message)) => bad(message),
        Some(Ok(())) | None => Ok(()),
    }
}

fn hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}
