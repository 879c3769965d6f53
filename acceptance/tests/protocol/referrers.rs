//! What refers to a manifest: by the API, by fallback tags, filtered and page by page.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Desk, OCI_INDEX, OCI_MANIFEST, Shared, descriptor, digest, sha512};

static SHARED: Shared = Shared::new();
const SIGNATURE: &str = "application/vnd.example.signature+json";

/// An artifact about `subject`, pushed by digest; what the push answered.
async fn attach(desk: &Desk, repository: &str, subject: &str, kind: &str, words: &str) -> Answer {
    let mut artifact = desk.image(repository, words).await;
    artifact["artifactType"] = kind.into();
    artifact["annotations"] = json!({ "words": words });
    artifact["subject"] = json!({ "mediaType": OCI_MANIFEST, "digest": subject, "size": 7 });
    let name = digest(artifact.to_string().as_bytes());
    desk.put_manifest(repository, &name, &artifact).await.expect(StatusCode::CREATED)
}

async fn list(desk: &Desk, repository: &str, subject: &str, query: &str) -> Answer {
    desk.get(&format!("/v2/{repository}/referrers/{subject}{query}")).await.expect(StatusCode::OK)
}

fn digests(answer: &Answer) -> Vec<String> {
    let manifests = answer.json()["manifests"].as_array().unwrap().clone();
    manifests.iter().map(|manifest: &Value| manifest["digest"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn row_24_a_subject_may_come_later() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "row 24").await;
    let subject = digest(image.to_string().as_bytes());
    let pushed = attach(&desk, &repository, &subject, SIGNATURE, "early").await;
    assert_eq!(pushed.header("oci-subject"), Some(subject.as_str()));
    let artifact = pushed.header("docker-content-digest").unwrap().to_owned();
    assert_eq!(digests(&list(&desk, &repository, &subject, "").await), std::slice::from_ref(&artifact));
    let later = desk.put_manifest(&repository, "1", &image).await.expect(StatusCode::CREATED);
    assert_eq!(later.header("oci-subject"), None);
    assert_eq!(digests(&list(&desk, &repository, &subject, "").await), std::slice::from_ref(&artifact));
    desk.delete(&format!("/v2/{repository}/manifests/{artifact}")).await.expect(StatusCode::ACCEPTED);
    assert!(digests(&list(&desk, &repository, &subject, "").await).is_empty());
}

#[tokio::test]
async fn row_25_fallback_tags_are_folded_in() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let subject = desk.push_image(&repository, "1", "row 25").await;
    let by_api = attach(&desk, &repository, &subject, SIGNATURE, "by api").await;
    let by_api = by_api.header("docker-content-digest").unwrap().to_owned();
    let by_tag = desk.push_image(&repository, "signature", "by tag").await;
    let entry = |digest: &str| {
        json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": 9, "artifactType": SIGNATURE,
            "annotations": { "how": "by tag" } })
    };
    let index =
        json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry(&by_tag), entry(&by_api)] });
    let tag = subject.replace(':', "-");
    desk.put_manifest(&repository, &tag, &index).await.expect(StatusCode::CREATED);
    let mut both = [by_api, by_tag];
    both.sort();
    let listed = list(&desk, &repository, &subject, "").await;
    assert_eq!(digests(&listed), both);
    assert_eq!(
        digests(&list(&desk, &repository, &subject, &format!("?artifactType={SIGNATURE}")).await),
        both
    );
    assert!(digests(&list(&desk, &repository, &subject, "?artifactType=another").await).is_empty());
    let by_tag_still = desk.get(&format!("/v2/{repository}/manifests/{tag}")).await;
    assert_eq!(by_tag_still.body, index.to_string().as_bytes());
}

#[tokio::test]
async fn row_26_an_unknown_digest_has_an_empty_index() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "row 26").await;
    for (repository, subject) in [
        (&repository, digest(b"unknown")),
        (&repository, sha512(b"unknown")),
        (&desk.repository("none"), digest(b"x")),
    ] {
        let listed = list(&desk, repository, &subject, "").await;
        assert_eq!(listed.header("content-type"), Some(OCI_INDEX));
        assert_eq!(listed.json(), json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }));
        assert_eq!(listed.header("oci-filters-applied"), None);
    }
    desk.get(&format!("/v2/{repository}/referrers/junk")).await.refused(400, "DIGEST_INVALID");
}

#[tokio::test]
async fn row_26_referrers_are_described_and_filtered() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let subject = desk.push_image(&repository, "1", "described").await;
    let pushed = attach(&desk, &repository, &subject, SIGNATURE, "signed").await;
    attach(&desk, &repository, &subject, "application/vnd.example.sbom", "listed").await;
    let filter = format!("?artifactType={SIGNATURE}");
    let listed = list(&desk, &repository, &subject, &filter).await;
    assert_eq!(listed.header("oci-filters-applied"), Some("artifactType"));
    let entries = listed.json()["manifests"].clone();
    let bytes = desk.get(pushed.location()).await.body;
    let mut wanted = descriptor(OCI_MANIFEST, &bytes);
    wanted["artifactType"] = SIGNATURE.into();
    wanted["annotations"] = json!({ "words": "signed" });
    assert_eq!(entries, json!([wanted]));
    let both = format!("{filter}&artifactType=application/vnd.example.sbom");
    assert_eq!(digests(&list(&desk, &repository, &subject, &both).await).len(), 2);
}

#[tokio::test]
async fn row_26_pages_are_linked_to_the_end() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let subject = desk.push_image(&repository, "1", "paged").await;
    let mut wanted = Vec::new();
    for number in 0..5 {
        let pushed = attach(&desk, &repository, &subject, SIGNATURE, &format!("paged {number}")).await;
        wanted.push(pushed.header("docker-content-digest").unwrap().to_owned());
    }
    wanted.sort();
    let mut path = Some(format!("/v2/{repository}/referrers/{subject}?n=2&artifactType={SIGNATURE}"));
    let (mut seen, mut pages) = (Vec::new(), 0);
    while let Some(next) = path {
        let answer = desk.get(&next).await.expect(StatusCode::OK);
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        seen.extend(digests(&answer));
        (path, pages) = (answer.next(), pages + 1);
    }
    assert_eq!((seen, pages), (wanted, 3));
}
