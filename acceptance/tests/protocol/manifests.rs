//! Manifests: kept byte for byte, of any type, with everything they need in place.

use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Desk, OCI_INDEX, OCI_MANIFEST, Raw, Shared, descriptor, digest, sha512};

static SHARED: Shared = Shared::new();

#[tokio::test]
async fn row_07_a_missing_tag_is_404_for_whoever_may_read() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "row 7").await;
    for reference in ["sha256-0000.sig", "2", &digest(b"none")] {
        let path = format!("/v2/{repository}/manifests/{reference}");
        desk.get(&path).await.refused(404, "MANIFEST_UNKNOWN");
        desk.send(desk.anonymous(Method::GET, &path)).await.refused(404, "MANIFEST_UNKNOWN");
        desk.head(&path).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn row_18_accept_never_changes_what_is_given() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "row 18").await;
    desk.put_manifest(&repository, "image", &image).await.expect(StatusCode::CREATED);
    let child = descriptor(OCI_MANIFEST, image.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child] });
    desk.put_manifest(&repository, "index", &index).await.expect(StatusCode::CREATED);
    for headers in [
        "",
        "Accept: */*\r\n",
        "Accept: application/vnd.docker.distribution.manifest.v1+json\r\n",
        "Accept: application/json, text/plain;q=0.5\r\nAccept: application/vnd.docker.distribution.manifest.v2+json;q=0.1\r\n",
        "Accept: ;;,,;q=x\r\n",
    ] {
        for (tag, wanted) in [("image", &image), ("index", &index)] {
            let answer =
                Raw::request(&desk.server, "GET", &format!("/v2/{repository}/manifests/{tag}"), headers);
            assert_eq!((answer.status, answer.body), (200, wanted.to_string().into_bytes()), "{headers}");
        }
    }
}

#[tokio::test]
async fn row_19_bytes_come_back_as_they_were() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "row 19").await;
    let mut odd = image.clone();
    odd["x-unknown"] = json!({ "deep": [1, 2.50, null] });
    let odd = format!("\n  {}\t\n\n", serde_json::to_string_pretty(&odd).unwrap());
    let pushed = desk.put_bytes(&repository, "odd", odd.as_bytes(), OCI_MANIFEST).await;
    assert_eq!(pushed.header("docker-content-digest"), Some(digest(odd.as_bytes()).as_str()));
    assert_eq!(desk.get(pushed.location()).await.body, odd.as_bytes());
    let strange = br#"{"anything":[{}],"config":7}"#;
    let pushed = desk.put_bytes(&repository, "strange", strange, "application/vnd.example.thing+json").await;
    let pulled = desk.get(pushed.expect(StatusCode::CREATED).location()).await;
    assert_eq!(pulled.body, strange);
    assert_eq!(pulled.header("content-type"), Some("application/vnd.example.thing+json"));
}

#[tokio::test]
async fn row_19_manifests_up_to_4_mib_are_taken_and_larger_ones_are_413() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let mut image = desk.image(&repository, "large").await;
    let length = |image: &serde_json::Value| image.to_string().len();
    image["annotations"] = json!({ "filler": "" });
    let room = 4 * 1024 * 1024 - length(&image);
    image["annotations"]["filler"] = "x".repeat(room).into();
    assert_eq!(length(&image), 4 * 1024 * 1024);
    desk.put_manifest(&repository, "largest", &image).await.expect(StatusCode::CREATED);
    image["annotations"]["filler"] = "x".repeat(room + 1).into();
    desk.put_manifest(&repository, "too-large", &image).await.refused(413, "SIZE_INVALID");
    desk.get(&format!("/v2/{repository}/manifests/too-large")).await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn row_20_the_type_may_stand_in_the_body_or_in_the_header() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let mut image = desk.image(&repository, "row 20").await;
    let path = format!("/v2/{repository}/manifests/1");
    let untyped = desk.request(Method::PUT, &path).body(image.to_string());
    desk.send(untyped).await.expect(StatusCode::CREATED);
    assert_eq!(desk.get(&path).await.header("content-type"), Some(OCI_MANIFEST));
    let bytes = image.to_string();
    let with_charset = format!("{OCI_MANIFEST}; charset=utf-8");
    desk.put_bytes(&repository, "2", bytes.as_bytes(), &with_charset).await.expect(StatusCode::CREATED);
    desk.put_bytes(&repository, "3", bytes.as_bytes(), OCI_INDEX).await.refused(400, "MANIFEST_INVALID");
    image.as_object_mut().unwrap().remove("mediaType");
    desk.put_bytes(&repository, "4", image.to_string().as_bytes(), OCI_MANIFEST)
        .await
        .expect(StatusCode::CREATED);
    let pulled = desk.get(&format!("/v2/{repository}/manifests/4")).await;
    assert_eq!(pulled.header("content-type"), Some(OCI_MANIFEST));
}

#[tokio::test]
async fn row_21_schema_1_is_refused_in_words() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let body = br#"{"schemaVersion":1,"name":"a","tag":"1","architecture":"amd64","fsLayers":[],"history":[],"signatures":[]}"#;
    for media_type in [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/json",
    ] {
        let refused =
            desk.put_bytes(&repository, "1", body, media_type).await.refused(400, "MANIFEST_INVALID");
        assert!(refused.text().contains("schema 1"), "{}", refused.text());
    }
}

#[tokio::test]
async fn row_22_foreign_layers_need_not_be_there() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let mut image = desk.image(&repository, "row 22").await;
    let mut foreign = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"far away");
    foreign["urls"] = json!(["https://example.com/layer"]);
    let nondistributable = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar", b"farther");
    image["layers"].as_array_mut().unwrap().extend([foreign, nondistributable]);
    desk.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn row_23_an_index_needs_its_children_unless_the_operator_says_otherwise() {
    let child = descriptor(OCI_MANIFEST, b"not there");
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child] });
    let desk = Desk::at(&SHARED).await;
    let refused = desk.put_manifest(&desk.repository("a"), "1", &index).await;
    let refused = refused.refused(404, "MANIFEST_BLOB_UNKNOWN");
    assert!(refused.text().contains(&digest(b"not there")), "{}", refused.text());
    let sparse = Desk::with(&Options::default().variable("HYTHE_REGISTRY_ALLOW_SPARSE_INDEX", "true")).await;
    sparse.put_manifest(&sparse.repository("a"), "1", &index).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn missing_blobs_are_named() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let mut image = desk.image(&repository, "missing").await;
    let layer = descriptor("application/vnd.oci.image.layer.v1.tar", b"never pushed");
    image["layers"].as_array_mut().unwrap().push(layer);
    let refused = desk.put_manifest(&repository, "1", &image).await.refused(404, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(refused.json()["errors"][0]["detail"]["digests"], json!([digest(b"never pushed")]));
    desk.get(&format!("/v2/{repository}/manifests/1")).await.refused(404, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn a_push_by_digest_is_checked_in_its_algorithm() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "by digest").await;
    let bytes = image.to_string().into_bytes();
    for name in [digest(&bytes), sha512(&bytes)] {
        let pushed = desk.put_manifest(&repository, &name, &image).await.expect(StatusCode::CREATED);
        assert_eq!(pushed.header("docker-content-digest"), Some(name.as_str()));
        assert_eq!(desk.get(&format!("/v2/{repository}/manifests/{name}")).await.body, bytes);
    }
    desk.put_manifest(&repository, &digest(b"other"), &image).await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn docker_images_and_lists_keep_their_types() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let (docker, list) = (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    );
    let mut image = desk.image(&repository, "docker").await;
    image["mediaType"] = docker.into();
    desk.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
    let child = descriptor(docker, image.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "mediaType": list, "manifests": [child] });
    desk.put_manifest(&repository, "list", &index).await.expect(StatusCode::CREATED);
    for (tag, wanted) in [("1", docker), ("list", list)] {
        let pulled = desk.head(&format!("/v2/{repository}/manifests/{tag}")).await;
        assert_eq!(pulled.header("content-type"), Some(wanted));
    }
}
