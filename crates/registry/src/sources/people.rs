//! People of a source become users here: found by what the source calls them, made at the first sign-in.

use hythe_metadata::sourced_user::{self, SourcedUser};
use hythe_metadata::user::{self, User};
use hythe_metadata::user_group::{self, NewGroup};
use hythe_metadata::{Connection, UserId};
use hythe_oci::error_code::ErrorCode;

use super::identity::Identity;
use super::settings::SourceKind;
use crate::Registry;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::revocations::Subject;
use crate::user_groups::identity_of;
use crate::users::validate_user_name;

impl Registry {
    /// The user behind somebody a source has vouched for, with what the source says of them now. Made if there is none.
    pub(crate) async fn admit(&self, kind: SourceKind, source: &str, identity: &Identity) -> Result<User> {
        let admission = Admission::new(kind, source, identity);
        let user = match self.as_said(&admission).await? {
            Some(user) => user,
            None => self.write(admission).await?,
        };
        if user.disabled {
            return Err(Error::new(
                Kind::Unauthenticated,
                ErrorCode::Unauthorized,
                "the user name or the password is wrong, or the user is disabled",
            ));
        }
        Ok(user)
    }

    /// The user, if nothing has to be written: nearly every sign-in finds everything as it was.
    async fn as_said(&self, admission: &Admission) -> Result<Option<User>> {
        let mut connection = self.database.connect().await?;
        let Some(user) = admission.find(&mut connection).await? else { return Ok(None) };
        let same = admission.is_said_of(&user)
            && user_group::is_set_of_user(&mut connection, user.id, &admission.groups).await?;
        Ok(same.then_some(user))
    }

    async fn write(&self, admission: Admission) -> Result<User> {
        self.database
            .try_transaction(move |c| {
                let admission = admission.clone();
                Box::pin(async move { admission.write(c).await })
            })
            .await
    }

    /// Takes from a user what groups gave, as their source no longer knows them.
    pub(super) async fn dismiss(&self, id: UserId) -> Result<()> {
        let lifetime = self.longest_token_lifetime();
        self.database
            .transaction(move |c| {
                Box::pin(async move {
                    Registry::revoke(c, Subject::User(id), lifetime).await?;
                    user_group::set_of_user(c, id, &[], clock::now()).await?;
                    sourced_user::remove_administrator_by_group(c, id, clock::now()).await
                })
            })
            .await?;
        Ok(())
    }
}

/// What a source says of somebody, in the form of rows.
#[derive(Clone)]
struct Admission {
    user: SourcedUser,
    groups: Vec<NewGroup>,
}

impl Admission {
    fn new(kind: SourceKind, source: &str, identity: &Identity) -> Admission {
        let group = |group: &super::identity::Group| NewGroup {
            name: group.name.clone(),
            kind: kind.of_groups(),
            ldap_group_dn: group.dn.clone(),
            identity: identity_of(kind.of_groups(), &group.name, &group.dn),
        };
        let mut groups: Vec<NewGroup> = identity.groups.iter().map(group).collect();
        groups.sort_by(|a, b| a.identity.cmp(&b.identity));
        groups.dedup_by(|a, b| a.identity == b.identity);
        let user = SourcedUser {
            source: source.to_owned(),
            subject: identity.subject.clone(),
            name: identity.name.clone(),
            email: Some(identity.email.clone()).filter(|email| !email.is_empty()),
            full_name: identity.full_name.clone(),
            administrator_by_group: identity.administrator,
        };
        Admission { user, groups }
    }

    async fn find(&self, c: &mut Connection) -> Result<Option<User>> {
        let Some(id) = sourced_user::find(c, &self.user.source, &self.user.subject).await? else {
            return Ok(None);
        };
        Ok(user::find(c, id).await?)
    }

    fn is_said_of(&self, user: &User) -> bool {
        user.email == self.user.email
            && user.full_name == self.user.full_name
            && user.administrator_by_group == self.user.administrator_by_group
    }

    async fn write(&self, c: &mut Connection) -> Result<User> {
        let now = clock::now();
        let id = match sourced_user::find(c, &self.user.source, &self.user.subject).await? {
            Some(id) => {
                sourced_user::update(c, id, &self.user, now).await?;
                id
            }
            None => self.make(c, now).await?,
        };
        user_group::set_of_user(c, id, &self.groups, now).await?;
        user::find(c, id).await?.ok_or_else(|| Error::internal("a user vanished while signing in", "no row"))
    }

    async fn make(&self, c: &mut Connection, now: clock::Micros) -> Result<UserId> {
        validate_user_name(&self.user.name)?;
        match sourced_user::create(c, &self.user, now).await? {
            Some(id) => Ok(id),
            None => Err(self.name_is_taken(c).await?),
        }
    }

    /// Nobody takes over a user of another source because the names are the same.
    async fn name_is_taken(&self, c: &mut Connection) -> Result<Error> {
        let holder = user::find_by_name(c, &self.user.name).await?;
        let whose = match holder.as_ref().map(|holder| holder.source.as_str()) {
            None | Some("") => "the registry's own".to_owned(),
            Some(source) => format!("of source {source}"),
        };
        let words = format!(
            "source {} signed in {}, but that name is another user's here, {whose}; an administrator can delete one",
            self.user.source, self.user.name
        );
        Ok(Error::new(Kind::Conflict, ErrorCode::Denied, words))
    }
}
