//! Paths as Harbor's router takes them: a slash at the end, or twice, makes no other path.

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;

/// Clients of Harbor write such paths (its Terraform provider asks for `/quotas/`), and not all of them look at the answer.
pub(crate) fn clean_path(mut request: Request) -> Request {
    let path = request.uri().path();
    let is_clean = !path.ends_with('/') && !path.contains("//");
    if is_clean || !path.starts_with("/api/v2.0") {
        return request;
    }
    if let Some(cleaned) = cleaned(request.uri()) {
        *request.uri_mut() = cleaned;
    }
    request
}

fn cleaned(uri: &Uri) -> Option<Uri> {
    let mut cleaned = String::with_capacity(uri.path().len());
    for segment in uri.path().split('/').filter(|segment| !segment.is_empty()) {
        cleaned.push('/');
        cleaned.push_str(segment);
    }
    if let Some(query) = uri.query() {
        cleaned.push('?');
        cleaned.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(cleaned).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn slashes_too_many_are_left_out_below_the_api_and_nowhere_else() {
        for (path, expected) in [
            ("/api/v2.0/quotas/?page=1&x=//", "/api/v2.0/quotas?page=1&x=//"),
            ("/api/v2.0//projects", "/api/v2.0/projects"),
            ("/api/v2.0/projects/a%252Fb", "/api/v2.0/projects/a%252Fb"),
            ("/api/v2.0/", "/api/v2.0"),
            ("/v2/", "/v2/"),
            ("/", "/"),
        ] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(clean_path(request).uri(), expected);
        }
    }
}
