//! Permits: proof that a right was granted. Only the decision next door can make one.

use std::marker::PhantomData;
use std::sync::Arc;

use hythe_metadata::project::Project;
use hythe_metadata::user::User;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

use super::caller::Caller;
use super::permissions::covers;

/// The whole system as a place.
#[derive(Clone, Copy, Debug)]
pub struct Everywhere;

/// Which tags a right is good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TagLimit {
    /// All of them.
    #[default]
    None,
    /// Those that one of these patterns covers: a tag, or a beginning followed by `*`.
    Patterns(Arc<[String]>),
}

impl TagLimit {
    /// Whether the right is good for this tag.
    pub fn allows(&self, tag: &Tag) -> bool {
        match self {
            TagLimit::None => true,
            TagLimit::Patterns(patterns) => patterns.iter().any(|pattern| covers(pattern, tag.as_str())),
        }
    }
}

/// Proof that `R` was allowed in a place: a repository, a project, or [`Everywhere`].
#[derive(Clone, Debug)]
pub struct Permit<R, P = RepositoryName> {
    place: P,
    tags: TagLimit,
    caller: Caller,
    right: PhantomData<R>,
}

impl<R, P> Permit<R, P> {
    pub(super) fn new(place: P, tags: TagLimit, caller: Caller) -> Permit<R, P> {
        Permit { place, tags, caller, right: PhantomData }
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

impl<R> Permit<R> {
    /// The repository it is good for.
    pub fn repository(&self) -> &RepositoryName {
        &self.place
    }

    /// The tags it is good for.
    pub fn tags(&self) -> &TagLimit {
        &self.tags
    }
}

impl<R> Permit<R, Project> {
    /// The project it is good for, as it was when the permit was given.
    pub fn project(&self) -> &Project {
        &self.place
    }
}

/// Proof that somebody has signed in, for what everybody may do about themselves.
#[derive(Clone, Debug)]
pub struct SelfPermit {
    pub(super) user: Arc<User>,
    pub(super) caller: Caller,
}

impl SelfPermit {
    /// Who.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// How, and from where.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// Proof that the caller is an administrator.
#[derive(Clone, Debug)]
pub struct AdministratorPermit(pub(super) Caller);

impl AdministratorPermit {
    /// Who holds it.
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}
