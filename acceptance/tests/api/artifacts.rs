//! Artifacts: what is told about them, which are listed, and how they go.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::SHARED;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::things::{CONFIG, field};

#[tokio::test]
async fn an_image_shows_what_its_config_says() {
    let desk = Desk::at(&SHARED).await;
    let (image, digest) = desk.push_for("deep/app", Some("v1"), "arm64").await;
    let list = desk.page(&desk.artifacts("deep/app")).await;
    let one = desk.get(&format!("{}/v1", desk.artifacts("deep/app"))).await.expect(StatusCode::OK).json();
    assert_eq!(list, std::slice::from_ref(&one));
    let size = image.to_string().len() as u64
        + image["config"]["size"].as_u64().unwrap()
        + image["layers"][0]["size"].as_u64().unwrap();
    for (name, value) in [
        ("type", json!("IMAGE")),
        ("media_type", json!(CONFIG)),
        ("manifest_media_type", image["mediaType"].clone()),
        ("digest", json!(digest)),
        ("size", json!(size)),
        ("repository_name", json!(desk.repository("deep/app"))),
        ("references", json!([])),
        ("pull_time", json!("0001-01-01T00:00:00Z")),
        (
            "extra_attrs",
            json!({ "architecture": "arm64", "os": "linux", "author": "ada", "created": "2026-01-02T03:04:05Z",
                "config": { "Env": ["A=1"], "Labels": { "maintainer": "nobody" } } }),
        ),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    let tag = &one["tags"][0];
    assert_eq!((tag["name"].as_str(), &tag["artifact_id"]), (Some("v1"), &one["id"]));
    assert!(one.get("labels").is_none() && one.get("accessories").is_none(), "{one}");
    let link = one["addition_links"]["build_history"]["href"].as_str().unwrap();
    let history = desk.get(link).await.expect(StatusCode::OK).json();
    assert_eq!(history, json!([{ "created_by": "COPY . /" }]));
}

#[tokio::test]
async fn the_parts_of_an_index_are_shown_with_it() {
    let desk = Desk::at(&SHARED).await;
    let (index, parts) = desk.push_index("app", "v1").await;
    let list = desk.page(&desk.artifacts("app")).await;
    assert_eq!(field(&list, "digest"), std::slice::from_ref(&index));
    let references = list[0]["references"].as_array().unwrap();
    assert_eq!(field(references, "child_digest"), parts);
    assert_eq!(
        references[1]["platform"],
        json!({ "architecture": "arm64", "os": "linux", "'os.version'": "6" })
    );
    let all = desk.page(&format!("{}?q=base=*", desk.artifacts("app"))).await;
    assert_eq!(all.len(), 3);
    let sizes = |entry: &&Value| entry["size"].as_u64().unwrap();
    let of_parts: u64 =
        all.iter().filter(|entry| entry["digest"] != json!(index)).map(|entry| sizes(&entry)).sum();
    assert!(list[0]["size"].as_u64().unwrap() > of_parts, "an index is as large as its parts and itself");
    let repository = desk.get(&desk.path("app")).await.json();
    assert_eq!(repository["artifact_count"], 1);
}

#[tokio::test]
async fn what_belongs_to_an_artifact_is_shown_with_it() {
    let desk = Desk::at(&SHARED).await;
    let (image, digest) = desk.push_for("app", Some("v1"), "amd64").await;
    let notation = desk.push_accessory("app", &image, "application/vnd.cncf.notary.signature").await;
    let mut cosign = desk.made_of("app", CONFIG, "{}", "cosign").await;
    cosign["layers"][0]["mediaType"] = json!("application/vnd.dev.cosign.simplesigning.v1+json");
    let tag = format!("{}.sig", digest.replace(':', "-"));
    let cosign = desk.push("app", Some(&tag), &cosign).await;
    let list = desk.page(&format!("{}?with_accessory=true&with_tag=false", desk.artifacts("app"))).await;
    assert_eq!(field(&list, "digest"), std::slice::from_ref(&digest));
    assert!(list[0].get("tags").is_none());
    let accessories = list[0]["accessories"].as_array().unwrap();
    assert_eq!(field(accessories, "digest"), [notation.clone(), cosign]);
    assert_eq!(field(accessories, "type"), ["signature.notation", "signature.cosign"]);
    let path = format!("{}/v1/accessories", desk.artifacts("app"));
    assert_eq!(desk.page(&path).await, *accessories);
    let first = desk.get(&format!("{path}?page_size=1")).await;
    assert_eq!(first.header("x-total-count"), Some("2"));
    let second = desk.page(&first.next().unwrap()).await;
    assert_eq!(second, accessories[1..]);
    // An accessory is an artifact to whoever asks for it.
    desk.get(&format!("{}/{notation}", desk.artifacts("app"))).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_list_is_filtered_as_harbors_is() {
    let desk = Desk::at(&SHARED).await;
    let (_, tagged) = desk.push_for("app", Some("v1.0"), "amd64").await;
    let (_, bare) = desk.push_for("app", None, "arm64").await;
    let chart = desk
        .made_of(
            "app",
            "application/vnd.cncf.helm.config.v1+json",
            r#"{"name":"nginx","version":"1.2"}"#,
            "c",
        )
        .await;
    let chart = desk.push("app", Some("chart-1"), &chart).await;
    let label = json!({ "name": "good", "scope": "p", "project_id": project_id(&desk).await });
    let made = desk.post_json("/api/v2.0/labels", &label).await.expect(StatusCode::CREATED);
    let id: i64 = made.location().rsplit('/').next().unwrap().parse().unwrap();
    let attach = format!("{}/v1.0/labels", desk.artifacts("app"));
    desk.post_json(&attach, &json!({ "id": id })).await.expect(StatusCode::OK);
    let (tagged, bare, chart) = (tagged.as_str(), bare.as_str(), chart.as_str());
    for (q, expected) in [
        ("tags=v1.0", vec![tagged]),
        ("tags=absent", vec![]),
        ("tags={v1.0 chart-1}", vec![chart, tagged]),
        ("tags=(v1.0 chart-1)", vec![]),
        ("tags=~V1", vec![tagged]),
        ("tags=nil", vec![bare]),
        ("tags=*", vec![chart, tagged]),
        ("type=chart", vec![chart]),
        ("media_type=application/vnd.cncf.helm.config.v1+json", vec![chart]),
        (&format!("digest={bare}"), vec![bare]),
        (&format!("labels=({id})"), vec![tagged]),
        (&format!("labels=({id} {})", id + 1), vec![]),
        ("push_time=[2020-01-01T00:00:00~2021-01-01T00:00:00]", vec![]),
        ("push_time=[2020-01-01T00:00:00~],type=IMAGE", vec![bare, tagged]),
        ("pull_time=[2020-01-01T00:00:00~]", vec![]),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let path = format!("{}?q={query}&with_label=true", desk.artifacts("app"));
        let answer = desk.get(&path).await.expect(StatusCode::OK);
        assert_eq!(answer.header("x-total-count").unwrap(), expected.len().to_string(), "{q}");
        assert_eq!(field(answer.json().as_array().unwrap(), "digest"), expected, "{q}");
    }
    let shown = desk.get(&format!("{}/v1.0?with_label=true", desk.artifacts("app"))).await.json();
    assert_eq!(shown["labels"][0]["name"], "good");
    let chart = desk.get(&format!("{}/chart-1", desk.artifacts("app"))).await.json();
    assert_eq!(chart["extra_attrs"], json!({ "name": "nginx", "version": "1.2" }));
    for sort in ["size", "-size", "pull_time", "-pull_time", "push_time", "-push_time"] {
        assert_eq!(desk.page(&format!("{}?sort={sort}", desk.artifacts("app"))).await.len(), 3, "{sort}");
    }
}

async fn project_id(desk: &Desk) -> Value {
    desk.get(&format!("/api/v2.0/projects/{}", desk.project)).await.json()["project_id"].clone()
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let desk = Desk::at(&SHARED).await;
    desk.push_for("app", Some("v1"), "amd64").await;
    let artifacts = desk.artifacts("app");
    for (query, status, code) in [
        ("q=size=1", 400, "BAD_REQUEST"),
        ("q=labels=(x)", 400, "BAD_REQUEST"),
        ("q=tags=[a~b]", 400, "BAD_REQUEST"),
        ("q=push_time=yesterday", 400, "BAD_REQUEST"),
        ("sort=colour", 400, "BAD_REQUEST"),
        ("after=here", 400, "BAD_REQUEST"),
        ("page_size=101", 422, "UNPROCESSABLE_ENTITY"),
        ("page=x", 400, "BAD_REQUEST"),
        ("with_tag=perhaps", 400, "BAD_REQUEST"),
    ] {
        desk.get(&format!("{artifacts}?{query}")).await.refused(status, code);
    }
    desk.get(&format!("{artifacts}/v2")).await.refused(404, "NOT_FOUND");
    desk.get(&format!("{artifacts}/-bad-")).await.refused(400, "BAD_REQUEST");
    desk.get(&desk.artifacts("absent")).await.refused(404, "NOT_FOUND");
    desk.get(&desk.artifacts("UPPER")).await.refused(400, "BAD_REQUEST");
    desk.post(&artifacts).await.refused(400, "BAD_REQUEST");
    desk.put(&artifacts, "{}").await.refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn an_artifact_goes_with_its_tags_its_parts_and_what_belongs_to_it() {
    let desk = Desk::at(&SHARED).await;
    let (index, parts) = desk.push_index("app", "v1").await;
    let artifacts = desk.artifacts("app");
    desk.post_json(&format!("{artifacts}/v1/tags"), &json!({ "name": "v2" }))
        .await
        .expect(StatusCode::CREATED);
    desk.post_json(&format!("{artifacts}/{}/tags", parts[0]), &json!({ "name": "kept" }))
        .await
        .expect(StatusCode::CREATED);
    desk.delete(&format!("{artifacts}/{}", parts[1])).await.refused(412, "PRECONDITION");
    desk.delete(&format!("{artifacts}/v1")).await.expect(StatusCode::OK);
    let left = desk.page(&format!("{artifacts}?q=base=*")).await;
    assert_eq!(field(&left, "digest"), [parts[0].clone()], "the tagged part stays");
    desk.get(&format!("/v2/{}/manifests/{index}", desk.repository("app")))
        .await
        .expect(StatusCode::NOT_FOUND);
    desk.delete(&format!("{artifacts}/v1")).await.refused(404, "NOT_FOUND");
    let (image, _) = desk.push_for("signed", Some("v1"), "amd64").await;
    let signature = desk.push_accessory("signed", &image, "application/vnd.cncf.notary.signature").await;
    desk.delete(&format!("{}/v1", desk.artifacts("signed"))).await.expect(StatusCode::OK);
    desk.get(&format!("{}/{signature}", desk.artifacts("signed"))).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn artifacts_of_all_repositories_of_a_project_are_one_list() {
    let desk = Desk::at(&SHARED).await;
    let (_, old) = desk.push_for("one", Some("v1"), "amd64").await;
    let (_, new) = desk.push_for("one", Some("v2"), "arm64").await;
    let (_, other) = desk.push_for("two", Some("v1"), "amd64").await;
    let path = format!("/api/v2.0/projects/{}/artifacts", desk.project);
    assert_eq!(field(&desk.page(&path).await, "digest"), [&*other, &*new, &*old]);
    let latest = desk.page(&format!("{path}?latest_in_repository=true&q=type=IMAGE")).await;
    assert_eq!(field(&latest, "digest"), [&*other, &*new]);
    assert_eq!(desk.page(&format!("{path}?q=tags=v2")).await.len(), 1);
    desk.get(&format!("{path}?q=digest={old}")).await.refused(400, "BAD_REQUEST");
}
