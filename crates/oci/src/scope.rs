//! Scopes of a token request: which actions on which resource (distribution's auth/scope.md).

use std::fmt;
use std::str::FromStr;

use crate::name::RepositoryName;
use crate::text::excerpt;

/// Most scopes that one request may ask for; the rest are ignored, as are those that do not parse.
pub const MAX_SCOPES: usize = 64;

/// Longest scope in bytes; the longest repository name and all actions need far less.
pub const MAX_LENGTH: usize = 512;

/// One thing that can be done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read manifests, blobs, tags and referrers.
    Pull,
    /// Upload blobs, put manifests and tags.
    Push,
    /// Remove manifests, tags and blobs.
    Delete,
}

impl Action {
    /// Every action, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Pull, Self::Push, Self::Delete];

    /// The action as scopes and tokens write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Pull => 1,
            Self::Push => 2,
            Self::Delete => 4,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of actions. Displays as `pull,push,delete`, without those that it lacks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Actions(u8);

impl Actions {
    /// No action.
    pub const NONE: Self = Self(0);
    /// Every action, which `*` stands for.
    pub const ALL: Self = Self(7);

    /// Whether the set has the action.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// This set with the action.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | action.bit())
    }

    /// The actions that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is no action.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in the order pull, push, delete.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }

    /// Reads `pull,push` or `*`; words that name no action here are left out, as a server may grant less than
    /// asked.
    pub fn parse(text: &str) -> Self {
        text.split(',').fold(Self::NONE, |actions, word| match word.trim() {
            "*" => Self::ALL,
            word => Action::ALL
                .into_iter()
                .find(|action| action.as_str() == word)
                .map_or(actions, |action| actions.with(action)),
        })
    }
}

impl From<Action> for Actions {
    fn from(action: Action) -> Self {
        Self::NONE.with(action)
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(index, action)| {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{action}")
        })
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

/// Actions on one resource, such as `repository:team/app:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `repository` or `registry`, or a kind that only others know.
    pub kind: String,
    /// The resource as the client wrote it: tokens are matched by it.
    pub name: String,
    /// What is to be done, never nothing.
    pub actions: Actions,
}

impl Scope {
    /// The kind of repositories.
    pub const REPOSITORY: &str = "repository";
    /// The kind of the registry itself, of which `catalog` is the one resource.
    pub const REGISTRY: &str = "registry";

    /// A scope for a repository.
    pub fn repository(name: &RepositoryName, actions: impl Into<Actions>) -> Self {
        Self { kind: Self::REPOSITORY.to_owned(), name: name.to_string(), actions: actions.into() }
    }

    /// The scope that the catalog needs, `registry:catalog:*`.
    pub fn catalog() -> Self {
        Self { kind: Self::REGISTRY.to_owned(), name: "catalog".to_owned(), actions: Actions::ALL }
    }

    /// The repository that the scope is for; `None` for another kind or no valid name.
    pub fn find_repository(&self) -> Option<RepositoryName> {
        (self.kind == Self::REPOSITORY).then(|| self.name.parse().ok()).flatten()
    }

    /// Whether this is the scope of the catalog.
    pub fn is_catalog(&self) -> bool {
        self.kind == Self::REGISTRY && self.name == "catalog"
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    /// Splits at the first and the last colon, as a name may have a port in it. The class of
    /// `repository(plugin):name:pull` is dropped: nothing is decided by it.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        parse_scope(text).ok_or_else(|| ScopeError { scope: excerpt(text) })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.kind, self.name)?;
        // distribution's clients know the catalog by its star, and repositories by their actions.
        if self.kind == Self::REGISTRY && self.actions == Actions::ALL {
            f.write_str("*")
        } else {
            self.actions.fmt(f)
        }
    }
}

crate::text::serde_as_string!(Scope);

/// The text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scope {scope} is not valid: write it as repository:<name>:pull,push")]
pub struct ScopeError {
    /// The text, quoted.
    scope: String,
}

/// Reads the `scope` parameters of a token request: repeated, joined by spaces, or both. What does not parse
/// is ignored, scopes for one resource become one, and no more than [`MAX_SCOPES`] are looked at.
pub fn parse_scopes<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Vec<Scope> {
    let texts = parameters.into_iter().flat_map(str::split_ascii_whitespace).take(MAX_SCOPES);
    texts.filter_map(parse_scope).fold(Vec::new(), |mut scopes, scope| {
        merge(&mut scopes, scope);
        scopes
    })
}

fn merge(scopes: &mut Vec<Scope>, scope: Scope) {
    match scopes.iter_mut().find(|known| known.kind == scope.kind && known.name == scope.name) {
        Some(known) => known.actions = known.actions.union(scope.actions),
        None => scopes.push(scope),
    }
}

fn parse_scope(text: &str) -> Option<Scope> {
    let (kind, rest) = text.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let kind = without_class(kind);
    let actions = Actions::parse(actions);
    let is_scope = text.len() <= MAX_LENGTH && is_word(kind) && is_word(name) && !actions.is_empty();
    is_scope.then(|| Scope { kind: kind.to_owned(), name: name.to_owned(), actions })
}

fn without_class(kind: &str) -> &str {
    kind.strip_suffix(')').and_then(|kind| kind.split_once('(')).map_or(kind, |(kind, _)| kind)
}

/// Printable ASCII without spaces and without what would end a quoted header value.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Action, Actions, MAX_LENGTH, MAX_SCOPES, Scope, parse_scopes};

    fn scope(kind: &str, name: &str, actions: &str) -> Scope {
        Scope { kind: kind.to_owned(), name: name.to_owned(), actions: Actions::parse(actions) }
    }

    #[test]
    fn reads_single_scopes() {
        let table = [
            ("repository:team/app:pull", scope("repository", "team/app", "pull")),
            ("repository:team/app:push,pull", scope("repository", "team/app", "pull,push")),
            ("repository:team/app:*", scope("repository", "team/app", "pull,push,delete")),
            ("repository:team/app:pull,metadata_read", scope("repository", "team/app", "pull")),
            ("repository:host:5000/x:pull", scope("repository", "host:5000/x", "pull")),
            ("repository(plugin):team/app:pull", scope("repository", "team/app", "pull")),
            ("registry:catalog:*", scope("registry", "catalog", "*")),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_scope() {
        let long = format!("repository:{}:pull", "a".repeat(MAX_LENGTH));
        let bad = [
            "",
            ":",
            "::",
            "a",
            "a:b",
            "repository:pull",
            "repository::pull",
            ":a:pull",
            "repository:a:",
            "repository:a:fly",
            "repository:a:PULL",
            "repository:a\"b:pull",
            "repository:a\\b:pull",
            "repository:é:pull",
            "(x):a:pull",
            "repository:a\0:pull",
            &long,
        ];
        for text in bad {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_may_repeat_and_hold_several() {
        let scopes =
            parse_scopes(["repository:a:pull  nonsense\trepository:b:push", "", "repository:a:push", " :: "]);
        assert_eq!(scopes, [scope("repository", "a", "pull,push"), scope("repository", "b", "push")]);
        assert_eq!(parse_scopes(["repository:catalog:pull registry:catalog:*"]).len(), 2);
    }

    #[test]
    fn the_number_of_scopes_is_limited() {
        let many: Vec<_> = (0..MAX_SCOPES * 2).map(|index| format!("repository:r{index}:pull")).collect();
        assert_eq!(parse_scopes(many.iter().map(String::as_str)).len(), MAX_SCOPES);
        assert_eq!(parse_scopes([many.join(" ").as_str()]).len(), MAX_SCOPES);
    }

    #[test]
    fn shows_actions_in_one_order() {
        assert_eq!(scope("repository", "a", "delete,push,pull").to_string(), "repository:a:pull,push,delete");
        assert_eq!(Scope::catalog().to_string(), "registry:catalog:*");
        assert_eq!(Actions::from_iter([Action::Push, Action::Pull]).to_string(), "pull,push");
        assert_eq!(Actions::NONE.to_string(), "");
    }

    #[test]
    fn names_its_resource() {
        assert_eq!(scope("repository", "app", "pull").find_repository().unwrap().as_str(), "library/app");
        assert_eq!(scope("repository", "A", "pull").find_repository(), None);
        assert_eq!(scope("registry", "app", "pull").find_repository(), None);
        assert!(Scope::catalog().is_catalog() && !scope("repository", "catalog", "*").is_catalog());
    }

    #[test]
    fn sets_of_actions() {
        let pull_push = Actions::from(Action::Pull).with(Action::Push);
        assert!(pull_push.contains(Action::Pull) && !pull_push.contains(Action::Delete));
        assert_eq!(pull_push.union(Action::Delete.into()), Actions::ALL);
        assert_eq!(pull_push.intersection(Action::Push.into()), Action::Push.into());
        assert!(pull_push.intersection(Action::Delete.into()).is_empty());
        assert_eq!(Actions::ALL.iter().collect::<Vec<_>>(), Action::ALL);
    }

    proptest! {
        #[test]
        fn comes_back_from_its_text(kind in "[a-z]{1,8}", name in "[a-z0-9:./_-]{1,40}", bits in 1_u8..8) {
            let actions = Action::ALL.into_iter().filter(|action| bits & action.bit() != 0).collect();
            let scope = Scope { kind, name, actions };
            prop_assert_eq!(scope.to_string().parse(), Ok(scope));
        }

        #[test]
        fn nothing_else_gets_in(text in "\\PC{0,60}") {
            for scope in parse_scopes([text.as_str()]) {
                prop_assert!(!scope.actions.is_empty() && scope.to_string().is_ascii());
            }
        }
    }
}
