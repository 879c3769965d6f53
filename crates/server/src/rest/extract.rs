//! What handlers take out of a request; whatever is wrong with it is told in the API's envelope.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use hythe_registry::Caller;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::RestFailure;
use crate::identity::identify;
use crate::state::App;

/// A caller who has signed in, whoever it is.
pub(super) struct SignedIn(pub(super) Caller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        Ok(SignedIn(identify(app, parts).await?))
    }
}

/// A JSON body, whose faults are told in the API's envelope. A field that is `null` counts as one that is absent, as it
/// does for Harbor, whose clients write `null` for what they do not set.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = RestFailure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, RestFailure> {
        match axum::Json::<Value>::from_request(request, app).await {
            Ok(axum::Json(mut value)) => {
                leave_out_nulls(&mut value);
                T::deserialize(value).map(Json).map_err(|error| misfit(&error))
            }
            Err(rejection) => Err(unreadable(&rejection)),
        }
    }
}

fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(entries) => entries.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

fn misfit(error: &serde_json::Error) -> RestFailure {
    RestFailure::new(StatusCode::BAD_REQUEST, format!("the JSON of the body does not fit: {error}"))
}

fn unreadable(rejection: &JsonRejection) -> RestFailure {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    RestFailure::new(status, rejection.body_text())
}

/// A path's parameters, whose faults are told in the API's envelope.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        match extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(extract::Path(value)) => Ok(Path(value)),
            Err(rejection) => Err(RestFailure::new(rejection.status(), rejection.body_text())),
        }
    }
}

/// A query, whose faults are told in the API's envelope.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        match extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => Err(RestFailure::new(rejection.status(), rejection.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use hythe_api::robot::RobotCreate;
    use serde::Deserialize;
    use serde_json::json;

    use super::leave_out_nulls;

    #[test]
    fn null_is_what_is_absent() {
        let mut given = json!({ "name": "ci", "level": "system", "description": null, "disable": null, "secret": null,
            "permissions": [{ "kind": "project", "namespace": "*",
                "access": [{ "resource": "repository", "action": "pull", "effect": null }] }] });
        leave_out_nulls(&mut given);
        let robot = RobotCreate::deserialize(given).unwrap();
        assert_eq!((robot.description.as_str(), robot.disable, robot.secret), ("", false, None));
        assert_eq!(robot.permissions[0].access[0].effect, None);
        let mut needed = json!({ "name": null, "level": "system" });
        leave_out_nulls(&mut needed);
        assert!(RobotCreate::deserialize(needed).unwrap_err().to_string().contains("name"));
    }
}
