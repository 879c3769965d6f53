//! Every endpoint with its right, and the paths that lead to none.

use proptest::prelude::*;

use crate::digest::Algorithm;
use crate::error_code::ErrorCode;
use crate::route::{Page, Right, Route, RouteError};
use crate::scope::Action;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ID: &str = "0123456789abcdef0123456789abcdef";

/// Parses `METHOD path?query`, with `$D` for a digest and `$U` for an upload's id.
fn parse(request: &str) -> Result<Route, RouteError> {
    let request = request.replace("$D", &format!("sha256:{HEX}")).replace("$U", ID);
    let (method, target) = request.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Route::parse(method, path, query)
}

fn error(request: &str) -> (u16, ErrorCode) {
    match parse(request) {
        Ok(route) => panic!("{request} is {route:?}"),
        Err(error) => (error.status, error.code),
    }
}

#[test]
fn every_endpoint_has_its_label_and_right() {
    let table = [
        ("GET /v2/", "base", None),
        ("HEAD /v2", "base", None),
        ("GET /v2/_catalog", "catalog", None),
        ("GET /v2/a/b/tags/list", "list_tags", Some(Action::Pull)),
        ("GET /v2/a/b/manifests/latest", "pull_manifest", Some(Action::Pull)),
        ("HEAD /v2/a/b/manifests/$D", "pull_manifest", Some(Action::Pull)),
        ("PUT /v2/a/b/manifests/latest", "push_manifest", Some(Action::Push)),
        ("DELETE /v2/a/b/manifests/latest", "delete_manifest", Some(Action::Delete)),
        ("GET /v2/a/b/blobs/$D", "pull_blob", Some(Action::Pull)),
        ("HEAD /v2/a/b/blobs/$D", "pull_blob", Some(Action::Pull)),
        ("DELETE /v2/a/b/blobs/$D", "delete_blob", Some(Action::Delete)),
        ("POST /v2/a/b/blobs/uploads/", "start_upload", Some(Action::Push)),
        ("POST /v2/a/b/blobs/uploads", "start_upload", Some(Action::Push)),
        ("GET /v2/a/b/blobs/uploads/$U", "upload_status", Some(Action::Push)),
        ("PATCH /v2/a/b/blobs/uploads/$U", "append_upload", Some(Action::Push)),
        ("PUT /v2/a/b/blobs/uploads/$U?digest=$D", "finish_upload", Some(Action::Push)),
        ("DELETE /v2/a/b/blobs/uploads/$U", "cancel_upload", Some(Action::Push)),
        ("GET /v2/a/b/referrers/$D", "list_referrers", Some(Action::Pull)),
    ];
    for (request, label, action) in table {
        let route = parse(request).unwrap();
        assert_eq!(route.label(), label, "{request}");
        match route.right() {
            Right::Repository { name, action: needed } => {
                assert_eq!((name.as_str(), Some(needed)), ("a/b", action), "{request}");
                assert_eq!(route.repository(), Some(name));
            }
            Right::Base => assert_eq!((label, action), ("base", None)),
            Right::Catalog => assert_eq!((label, action), ("catalog", None)),
        }
    }
}

#[test]
fn rights_tell_the_scope_to_ask_for() {
    let scope = |request| parse(request).unwrap().right().scope().map(|scope| scope.to_string());
    assert_eq!(scope("GET /v2/"), None);
    assert_eq!(scope("GET /v2/_catalog").as_deref(), Some("registry:catalog:*"));
    assert_eq!(scope("GET /v2/app/tags/list").as_deref(), Some("repository:library/app:pull"));
    assert_eq!(scope("PUT /v2/a/b/manifests/x").as_deref(), Some("repository:a/b:pull,push"));
    assert_eq!(scope("DELETE /v2/a/b/manifests/x").as_deref(), Some("repository:a/b:delete"));
}

#[test]
fn the_last_words_of_the_path_decide() {
    let table = [
        ("GET /v2/manifests/manifests/manifests", "pull_manifest", "library/manifests"),
        ("GET /v2/a/blobs/uploads/manifests/latest", "pull_manifest", "a/blobs/uploads"),
        ("GET /v2/a/manifests/tags/list", "list_tags", "a/manifests"),
        ("GET /v2/a/tags/list/manifests/list", "pull_manifest", "a/tags/list"),
        ("GET /v2/tags/tags/list", "list_tags", "library/tags"),
        ("POST /v2/a/blobs/blobs/uploads/", "start_upload", "a/blobs"),
        ("GET /v2/a/blobs/uploads/blobs/uploads/$U", "upload_status", "a/blobs/uploads"),
        ("GET /v2/a/referrers/blobs/$D", "pull_blob", "a/referrers"),
        ("GET /v2/blobs/referrers/$D", "list_referrers", "library/blobs"),
        ("GET /v2/v2/manifests/uploads", "pull_manifest", "library/v2"),
    ];
    for (request, label, name) in table {
        let route = parse(request).unwrap();
        assert_eq!((route.label(), route.repository().unwrap().as_str()), (label, name), "{request}");
    }
}

#[test]
fn escapes_are_read_once() {
    let route = parse("GET /v2/team/app/manifests/$D").unwrap();
    for request in [
        format!("GET /v2/team%2Fapp/manifests/sha256%3A{HEX}"),
        format!("GET /v2/team%2fapp%2Fmanifests/sha256%3a{HEX}"),
        format!("GET /%76%32/te%61m/app/manifests/sha256:{HEX}"),
    ] {
        assert_eq!(parse(&request).as_ref(), Ok(&route), "{request}");
    }
    assert_eq!(error("GET /v2/team%252Fapp/manifests/latest"), (400, ErrorCode::NameInvalid));
}

#[test]
fn tricks_in_paths_lead_nowhere() {
    let name_invalid = [
        "GET /v2/../manifests/latest",
        "GET /v2/a/../b/manifests/latest",
        "GET /v2/%2e%2e/a/manifests/latest",
        "GET /v2/a/%2E%2E/b/manifests/latest",
        "GET /v2/a/%2e%2e%2fb/manifests/latest",
        "GET /v2/a/./b/manifests/latest",
        "GET /v2//a/manifests/latest",
        "GET /v2/a//b/manifests/latest",
        "GET /v2/a//manifests/latest",
        "GET /v2/a%00b/manifests/latest",
        "GET /v2/a%0d%0ab/manifests/latest",
        "GET /v2/a%5cb/manifests/latest",
        "GET /v2/a;b/manifests/latest",
        "GET /v2/A/manifests/latest",
        "GET /v2/%ff/manifests/latest",
        "GET /v2/%c0%ae%c0%ae/manifests/latest",
        "GET /v2/%/manifests/latest",
        "GET /v2/%zz/manifests/latest",
        "GET /v2/%2/manifests/latest",
        "GET /v2/manifests/latest",
        "GET /v2/tags/list",
        "POST /v2/blobs/uploads/",
        "GET /v2/_catalog/tags/list",
    ];
    for request in name_invalid {
        assert_eq!(error(request), (400, ErrorCode::NameInvalid), "{request}");
    }
    let no_endpoint = [
        "GET /",
        "GET v2/",
        "GET /v1/",
        "GET /v2x",
        "GET /V2/",
        "GET //v2/",
        "GET /v2//",
        "GET /v2/../v2/",
        "GET /v2/a",
        "GET /v2/a/",
        "GET /v2/_catalog/",
        "GET /v2/a/_catalog",
        "GET /v2/a/tags",
        "GET /v2/a/tags/list/",
        "GET /v2/a/tags/other",
        "GET /v2/a/manifests",
        "GET /v2/a/manifests/b/c",
        "GET /v2/a/manifests/b%2Fc",
        "GET /v2/a/manifests/latest/",
        "GET /v2/a/uploads/$U",
        "GET /v2/uploads/$U",
        "GET /v2/a/xblobs/uploads/$U",
    ];
    for request in no_endpoint {
        assert_eq!(error(request), (404, ErrorCode::Unsupported), "{request}");
    }
}

#[test]
fn other_methods_are_told_what_is_allowed() {
    let table: [(&str, &[&str]); 11] = [
        ("POST /v2/", &["GET", "HEAD"]),
        ("DELETE /v2/_catalog", &["GET", "HEAD"]),
        ("PUT /v2/a/tags/list", &["GET", "HEAD"]),
        ("POST /v2/a/manifests/x", &["GET", "HEAD", "PUT", "DELETE"]),
        ("PATCH /v2/A/manifests/x", &["GET", "HEAD", "PUT", "DELETE"]),
        ("PUT /v2/a/blobs/$D", &["GET", "HEAD", "DELETE"]),
        ("GET /v2/a/blobs/uploads/", &["POST"]),
        ("GET /v2/a/blobs/uploads", &["POST"]),
        ("POST /v2/a/blobs/uploads/$U", &["GET", "HEAD", "PATCH", "PUT", "DELETE"]),
        ("POST /v2/a/referrers/$D", &["GET", "HEAD"]),
        ("get /v2/", &["GET", "HEAD"]),
    ];
    for (request, allowed) in table {
        let error = parse(request).unwrap_err();
        assert_eq!((error.status, error.code), (405, ErrorCode::Unsupported), "{request}");
        assert_eq!(error.allowed, allowed, "{request}");
    }
}

#[test]
fn every_allowed_method_is_taken() {
    for path in ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/v2/a/manifests/x", "/v2/a/blobs/$D"]
        .into_iter()
        .chain(["/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/$U", "/v2/a/referrers/$D"])
    {
        for method in parse(&format!("OPTIONS {path}")).unwrap_err().allowed {
            assert!(parse(&format!("{method} {path}?digest=$D")).is_ok(), "{method} {path}");
        }
    }
}

#[test]
fn references_that_cannot_be_are_not_found_and_not_taken() {
    assert_eq!(error("GET /v2/a/manifests/.INVALID_MANIFEST_NAME"), (404, ErrorCode::ManifestUnknown));
    assert_eq!(error("DELETE /v2/a/manifests/-x"), (404, ErrorCode::ManifestUnknown));
    assert_eq!(error("GET /v2/a/manifests/"), (404, ErrorCode::ManifestUnknown));
    assert_eq!(error("PUT /v2/a/manifests/.x"), (400, ErrorCode::TagInvalid));
    assert_eq!(error("PUT /v2/a/manifests/sha256:baddigeststring"), (400, ErrorCode::DigestInvalid));
    assert_eq!(error("GET /v2/a/manifests/sha256:baddigeststring"), (400, ErrorCode::DigestInvalid));
    assert_eq!(error("GET /v2/a/blobs/sha256:x"), (400, ErrorCode::DigestInvalid));
    assert_eq!(error("GET /v2/a/referrers/latest"), (400, ErrorCode::DigestInvalid));
    assert_eq!(error("PATCH /v2/a/blobs/uploads/nope"), (404, ErrorCode::BlobUploadUnknown));
}

#[test]
fn a_push_by_digest_may_carry_tags() {
    let tags = |request| match parse(request) {
        Ok(Route::PushManifest { tags, .. }) => tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{request} is {other:?}"),
    };
    assert_eq!(
        tags("PUT /v2/a/manifests/$D?tag=1.2.3&tag=1.2&tag=1&tag=latest"),
        ["1.2.3", "1.2", "1", "latest"]
    );
    assert_eq!(tags("PUT /v2/a/manifests/$D?tag=a&x=y&tag=a&tag=&t%61g=%62"), ["a", "b"]);
    assert_eq!(tags("PUT /v2/a/manifests/$D"), [""; 0]);
    assert_eq!(tags("PUT /v2/a/manifests/x?tag=y"), [""; 0]);
    assert_eq!(error("PUT /v2/a/manifests/$D?tag=a&tag=.b"), (400, ErrorCode::TagInvalid));
    let with_tags = |count| {
        let tags: Vec<_> = (0..count).map(|index| format!("tag=t{index}")).collect();
        parse(&format!("PUT /v2/a/manifests/$D?{}", tags.join("&")))
    };
    assert!(with_tags(100).is_ok());
    assert_eq!(with_tags(101).unwrap_err().status, 414);
}

#[test]
fn uploads_start_in_every_way() {
    let start = |query: &str| match parse(&format!("POST /v2/a/blobs/uploads/?{query}")) {
        Ok(Route::StartUpload { digest, algorithm, mount, from, .. }) => {
            Ok((digest.is_some(), algorithm, mount.is_some(), from.map(|name| name.to_string())))
        }
        Ok(route) => panic!("{query} is {route:?}"),
        Err(error) => Err((error.status, error.code)),
    };
    assert_eq!(start(""), Ok((false, None, false, None)));
    assert_eq!(start("digest="), Ok((false, None, false, None)));
    assert_eq!(start("digest=$D"), Ok((true, None, false, None)));
    assert_eq!(start("digest-algorithm=sha512"), Ok((false, Some(Algorithm::Sha512), false, None)));
    assert_eq!(start("mount=$D&from=b/c"), Ok((false, None, true, Some("b/c".to_owned()))));
    assert_eq!(start("mount=$D&from=b%2Fc"), Ok((false, None, true, Some("b/c".to_owned()))));
    assert_eq!(start("mount=$D"), Ok((false, None, true, None)));
    let refused = Err((400, ErrorCode::DigestInvalid));
    assert_eq!(start("digest=sha256:x"), refused);
    assert_eq!(start("digest-algorithm=md5"), refused);
    assert_eq!(start("digest-algorithm=sha512&digest=$D"), refused);
}

#[test]
fn a_mount_that_does_not_parse_is_an_ordinary_upload() {
    for query in ["mount=md5:0&from=b", "mount=$D&from=../x", "mount=%ff&from=%00", "from=B"] {
        match parse(&format!("POST /v2/a/blobs/uploads/?{query}")) {
            Ok(Route::StartUpload { mount, from, .. }) => {
                assert!(mount.is_none() || from.is_none(), "{query}")
            }
            other => panic!("{query} is {other:?}"),
        }
    }
}

#[test]
fn an_upload_is_finished_by_its_digest() {
    for query in ["", "digest=", "digest=sha256:x", "digest=md5:0", "Digest=$D"] {
        assert_eq!(
            error(&format!("PUT /v2/a/blobs/uploads/$U?{query}")),
            (400, ErrorCode::DigestInvalid),
            "{query}"
        );
    }
    assert!(parse(&format!("PUT /v2/a/blobs/uploads/$U?_state=x&digest=sha256%3A{HEX}")).is_ok());
}

#[test]
fn lists_are_paged() {
    let page = |query: &str| match parse(&format!("GET /v2/a/tags/list?{query}")) {
        Ok(Route::ListTags { page, .. }) => Ok((page.limit, page.last)),
        Ok(route) => panic!("{query} is {route:?}"),
        Err(error) => Err((error.status, error.code)),
    };
    assert_eq!(page(""), Ok((None, None)));
    assert_eq!(page("n=0"), Ok((Some(0), None)));
    assert_eq!(page("n=10&last=v1%2E0"), Ok((Some(10), Some("v1.0".to_owned()))));
    assert_eq!(page("n=&last="), Ok((None, None)));
    assert_eq!(page("last=no%20tag"), Ok((None, Some("no tag".to_owned()))));
    assert_eq!(page("n=99999999999999999999999"), Ok((Some(u32::MAX), None)));
    for bad in ["n=-1", "n=x", "n=1.5", "n=%2B1", "n=0x1", "n=1%20"] {
        assert_eq!(page(bad), Err((400, ErrorCode::PaginationNumberInvalid)), "{bad}");
    }
    for bad in ["last=%00", "last=%ff", "last=%2", "n=%0a"] {
        assert_eq!(page(bad), Err((400, ErrorCode::Unsupported)), "{bad}");
    }
    assert_eq!(
        parse("GET /v2/_catalog?n=2&last=a/b"),
        Ok(Route::Catalog { page: Page { limit: Some(2), last: Some("a/b".to_owned()) } })
    );
}

#[test]
fn referrers_are_filtered_by_any_number_of_types() {
    let types = |query: &str| match parse(&format!("GET /v2/a/referrers/$D?{query}")) {
        Ok(Route::ListReferrers { artifact_types, page, .. }) => Ok((artifact_types, page)),
        Ok(route) => panic!("{query} is {route:?}"),
        Err(error) => Err(error.status),
    };
    let (found, page) =
        types("artifactType=a/b&n=5&artifactType=c%2Fd%2Bjson&artifactType=e/f+json").unwrap();
    assert_eq!(found, ["a/b", "c/d+json", "e/f+json"]);
    assert_eq!(page, Page { limit: Some(5), last: None });
    assert_eq!(types("artifactType=").unwrap().0, [""; 0]);
    assert_eq!(types(&"artifactType=a/b&".repeat(33)), Err(400));
    assert_eq!(types("artifactType=%00"), Err(400));
}

#[test]
fn messages_repeat_little_and_nothing_unprintable() {
    for path in [format!("/v2/{}/manifests/x", "A".repeat(9000)), "/v2/a\u{1b}[31m/manifests/x".to_owned()] {
        let message = Route::parse("GET", &path, None).unwrap_err().message;
        assert!(message.len() < 400 && !message.contains(char::is_control), "{message}");
    }
}

proptest! {
    #[test]
    fn every_repository_is_found_in_its_paths(
        name in "[a-z0-9]{1,4}(/(manifests|blobs|uploads|tags|list|referrers|[a-z0-9]{1,3})){1,4}",
        tail in prop::sample::select(vec![
            "manifests/list", "manifests/$D", "blobs/$D", "blobs/uploads/", "blobs/uploads/$U", "tags/list", "referrers/$D",
        ]),
    ) {
        let allowed = parse(&format!("OPTIONS /v2/{name}/{tail}")).unwrap_err().allowed;
        let route = parse(&format!("{} /v2/{name}/{tail}", allowed[0])).unwrap();
        prop_assert_eq!(route.repository().unwrap().as_str(), name);
    }

    #[test]
    fn nothing_panics(method in "(GET|PUT|POST|PATCH|DELETE|HEAD)", path in "/v2/[a%2eEfF/.]{0,20}/manifests/\\PC{0,9}") {
        if let Err(error) = Route::parse(&method, &path, Some("%")) {
            prop_assert!((400..500).contains(&error.status));
        }
    }
}
