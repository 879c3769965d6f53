//! The challenge of a 401: where to ask for a token, and for what.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_oci::challenge::{Challenge, ChallengeError};
use hythe_oci::route::Route;
use hythe_oci::scope::{Action, Scope};
use hythe_registry::Caller;
use hythe_registry::tokens::SERVICE;

use crate::answer::Failure;
use crate::urls::BaseUrl;

/// Where tokens are made.
pub(crate) const TOKEN_PATH: &str = "/service/token";

/// What a caller would need for a route. One repository only, for a mount too: clients cannot read a challenge
/// with two scopes.
pub(super) struct Wanted {
    scope: Option<Scope>,
    error: Option<ChallengeError>,
}

impl Wanted {
    pub(super) fn of(route: &Route, caller: &Caller) -> Wanted {
        let error = caller.is_token().then_some(ChallengeError::InsufficientScope);
        Wanted { scope: scope(route), error }
    }

    pub(super) fn for_bad_credentials(route: &Route) -> Wanted {
        Wanted { scope: scope(route), error: Some(ChallengeError::InvalidToken) }
    }

    /// Adds the challenge if the failure is a 401.
    pub(super) fn complete(self, failure: Failure, base: &BaseUrl) -> Response {
        if failure.status() != StatusCode::UNAUTHORIZED {
            return failure.into_response();
        }
        let challenge = Challenge {
            realm: base.join(TOKEN_PATH),
            service: SERVICE.to_owned(),
            scope: self.scope,
            error: self.error,
        };
        failure.with_challenge(challenge).into_response()
    }
}

/// Whoever pushes also looks at what is there already, so the scope for pushing asks for both.
fn scope(route: &Route) -> Option<Scope> {
    let mut scope = route.right().scope()?;
    if scope.actions.contains(Action::Push) {
        scope.actions = scope.actions.with(Action::Pull);
    }
    Some(scope)
}
