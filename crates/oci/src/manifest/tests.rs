//! What is read as a manifest, what is refused, and what a manifest refers to.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::error_code::ErrorCode;
use crate::manifest::{Kind, Manifest, ManifestError, ReferenceKind};
use crate::media_type;

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn descriptor(media_type: &str, digit: char) -> Value {
    json!({"mediaType": media_type, "digest": digest(digit), "size": 7})
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, 'c'),
        "layers": [descriptor(media_type::OCI_LAYER_GZIP, '1'), descriptor(media_type::OCI_LAYER_GZIP, '2')],
    })
}

fn index() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_INDEX,
        "manifests": [descriptor(media_type::OCI_MANIFEST, '3'), descriptor(media_type::OCI_MANIFEST, '4')],
    })
}

/// `base` with one field set, or taken away by `null`.
fn with(mut base: Value, field: &str, value: Value) -> Value {
    match value {
        Value::Null => base.as_object_mut().and_then(|fields| fields.remove(field)),
        value => base.as_object_mut().and_then(|fields| fields.insert(field.to_owned(), value)),
    };
    base
}

fn parse(body: &Value, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
    Manifest::parse(body.to_string().as_bytes(), content_type)
}

fn references(manifest: &Manifest) -> String {
    let show = |(kind, descriptor): (ReferenceKind, &crate::Descriptor)| {
        format!("{} {}", kind.as_str(), &descriptor.digest.hex()[..1])
    };
    manifest.references().map(show).collect::<Vec<_>>().join(", ")
}

#[test]
fn images_and_indexes_of_oci_and_docker_are_read() {
    let docker_image = with(image(), "mediaType", json!(media_type::DOCKER_MANIFEST));
    let docker_list = with(index(), "mediaType", json!(media_type::DOCKER_MANIFEST_LIST));
    let table = [
        (image(), Kind::Image, "config c, layer 1, layer 2"),
        (docker_image, Kind::Image, "config c, layer 1, layer 2"),
        (index(), Kind::Index, "manifest 3, manifest 4"),
        (docker_list, Kind::Index, "manifest 3, manifest 4"),
        (with(image(), "layers", json!([])), Kind::Image, "config c"),
        (with(image(), "layers", Value::Null), Kind::Image, "config c"),
        (with(index(), "manifests", json!([])), Kind::Index, ""),
        (with(image(), "org.example.custom", json!({"x": [1]})), Kind::Image, "config c, layer 1, layer 2"),
    ];
    for (body, kind, expected) in table {
        let manifest = parse(&body, None).unwrap();
        assert_eq!((manifest.kind, references(&manifest).as_str()), (kind, expected), "{body}");
        assert_eq!(manifest.media_type, body["mediaType"]);
    }
}

#[test]
fn the_type_is_the_bodys_or_the_headers_or_guessed() {
    let bare_image = with(image(), "mediaType", Value::Null);
    let bare_index = with(index(), "mediaType", Value::Null);
    let table = [
        (image(), None, media_type::OCI_MANIFEST),
        (
            image(),
            Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
            media_type::OCI_MANIFEST,
        ),
        (image(), Some("Application/vnd.OCI.image.manifest.v1+json"), media_type::OCI_MANIFEST),
        (image(), Some(""), media_type::OCI_MANIFEST),
        (bare_image.clone(), Some(media_type::DOCKER_MANIFEST), media_type::DOCKER_MANIFEST),
        (bare_image, None, media_type::OCI_MANIFEST),
        (bare_index, Some(" ; "), media_type::OCI_INDEX),
        (json!({"anything": true}), Some("application/vnd.example+json"), "application/vnd.example+json"),
        (json!({"mediaType": "application/vnd.example+json"}), None, "application/vnd.example+json"),
    ];
    for (body, content_type, expected) in table {
        assert_eq!(parse(&body, content_type).unwrap().media_type, expected, "{body} {content_type:?}");
    }
}

#[test]
fn header_and_body_must_agree() {
    let error = parse(&image(), Some("application/vnd.oci.image.index.v1+json; x=y")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ManifestInvalid);
    assert_eq!(
        error.to_string(),
        "manifest states mediaType 'application/vnd.oci.image.manifest.v1+json' but came with Content-Type \
         'application/vnd.oci.image.index.v1+json': they must be equal"
    );
    for (body, content_type) in
        [(json!({}), None), (json!({"mediaType": ""}), Some("")), (json!({"config": {}}), None)]
    {
        assert_eq!(parse(&body, content_type), Err(ManifestError::UnknownType), "{body}");
    }
    let hostile = json!({"mediaType": "a/b\r\nSet-Cookie: x=y"});
    assert!(matches!(parse(&hostile, None), Err(ManifestError::MediaTypeInvalid { .. })));
    assert!(matches!(parse(&hostile, Some("a/b")), Err(ManifestError::MediaTypeInvalid { .. })));
    assert!(matches!(parse(&json!({}), Some("nonsense")), Err(ManifestError::MediaTypeInvalid { .. })));
}

#[test]
fn schema_1_is_refused_in_words() {
    let signed =
        json!({"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "history": [], "signatures": []});
    let cases = [
        (signed.clone(), None),
        (signed, Some(media_type::DOCKER_SCHEMA1_SIGNED)),
        (json!({}), Some(media_type::DOCKER_SCHEMA1)),
        (with(image(), "schemaVersion", json!(1)), None),
    ];
    for (body, content_type) in cases {
        let error = parse(&body, content_type).unwrap_err();
        assert_eq!(error, ManifestError::Schema1, "{body}");
        assert!(error.to_string().contains("schema1) is not supported"));
    }
}

#[test]
fn other_versions_are_refused_in_known_types_only() {
    assert_eq!(
        parse(&with(image(), "schemaVersion", json!(3)), None),
        Err(ManifestError::SchemaVersion { version: 3 })
    );
    assert!(matches!(
        parse(&with(index(), "schemaVersion", json!("2")), None),
        Err(ManifestError::Field { .. })
    ));
    assert!(parse(&with(image(), "schemaVersion", Value::Null), None).is_ok());
    assert!(parse(&json!({"schemaVersion": "three"}), Some("application/vnd.example+json")).is_ok());
}

#[test]
fn what_is_no_json_object_is_refused() {
    let bodies: [&[u8]; 11] = [
        b"",
        b" ",
        b"null",
        b"[]",
        b"[2]",
        b"2",
        b"\"x\"",
        b"{",
        b"{}{}",
        b"{\"mediaType\": 2}",
        b"{\"x\": \"\xff\"}",
    ];
    for body in bodies {
        let result = Manifest::parse(body, Some(media_type::OCI_MANIFEST));
        assert!(matches!(result, Err(ManifestError::Malformed { .. })), "{body:?} is {result:?}");
    }
    let twice = br#"{"mediaType": "a/b", "layers": [], "layers": []}"#;
    assert!(matches!(Manifest::parse(twice, None), Err(ManifestError::Malformed { .. })));
}

#[test]
fn images_that_are_also_indexes_are_refused() {
    let table = [
        (with(image(), "manifests", json!([])), "manifests"),
        (with(index(), "layers", json!([])), "layers"),
        (with(index(), "config", json!({})), "config"),
    ];
    for (body, expected) in table {
        match parse(&body, None) {
            Err(ManifestError::Ambiguous { field, .. }) => assert_eq!(field, expected),
            other => panic!("{body} is {other:?}"),
        }
    }
    let null = image().to_string().replacen('{', r#"{"manifests": null, "#, 1);
    assert!(Manifest::parse(null.as_bytes(), None).is_ok());
}

#[test]
fn descriptors_are_checked() {
    let layer = |field: &str, value: Value| with(descriptor(media_type::OCI_LAYER, '1'), field, value);
    let bad = [
        layer("digest", Value::Null),
        layer("digest", json!("sha256:00")),
        layer("digest", json!(digest('A'))),
        layer("digest", json!(format!("md5:{}", "0".repeat(32)))),
        layer("size", Value::Null),
        layer("size", json!(-1)),
        layer("size", json!(1.5)),
        layer("size", json!("7")),
        layer("size", json!(9_223_372_036_854_775_808_u64)),
        layer("urls", json!("x")),
        layer("annotations", json!({"a": 1})),
        layer("mediaType", json!("a/b\0")),
        layer("data", json!("!")),
        layer("data", json!("AAAA")),
        json!(null),
        json!("x"),
    ];
    for layer in bad {
        let image = parse(&with(image(), "layers", json!([layer])), None);
        assert!(
            matches!(image, Err(ManifestError::Field { .. } | ManifestError::Data { .. })),
            "{layer} is {image:?}"
        );
    }
    let good = [
        layer("size", json!(0)),
        layer("size", json!(i64::MAX)),
        layer("mediaType", Value::Null),
        layer("data", json!("AAAAAAAAAA==")),
        layer("platform", json!({"os": "linux", "x": [[]]})),
        layer("unknown", json!([1, 2])),
    ];
    for layer in good {
        assert!(parse(&with(image(), "layers", json!([layer])), None).is_ok(), "{layer}");
    }
    let nulls = format!(
        r#"{{"digest": "{}", "size": 7, "urls": null, "annotations": null, "data": null}}"#,
        digest('1')
    );
    let body = image().to_string().replacen("\"layers\":[", &format!("\"layers\":[{nulls},"), 1);
    assert_eq!(Manifest::parse(body.as_bytes(), None).unwrap().layers.len(), 3);
}

#[test]
fn an_image_needs_its_configuration() {
    let error = parse(&with(image(), "config", Value::Null), None).unwrap_err();
    assert_eq!(error.to_string(), format!("manifest of type '{}' has no 'config'", media_type::OCI_MANIFEST));
    assert!(matches!(
        parse(&with(image(), "config", json!({})), None),
        Err(ManifestError::Field { field: "config", .. })
    ));
}

#[test]
fn foreign_layers_and_the_subject_are_left_out() {
    let urls = with(descriptor(media_type::OCI_LAYER_GZIP, '3'), "urls", json!(["https://store.example/3"]));
    let layers = json!([
        descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", '1'),
        descriptor(media_type::DOCKER_FOREIGN_LAYER, '2'),
        urls,
        with(descriptor(media_type::OCI_LAYER_GZIP, '4'), "urls", json!([])),
    ]);
    let body = with(with(image(), "layers", layers), "subject", descriptor(media_type::OCI_MANIFEST, '9'));
    let manifest = parse(&body, None).unwrap();
    assert_eq!(references(&manifest), "config c, layer 4");
    assert_eq!(manifest.foreign_layers().count(), 3);
    assert_eq!(manifest.subject.unwrap().digest.to_string(), digest('9'));
}

#[test]
fn other_types_are_read_as_far_as_they_fit() {
    let other = |body: Value| parse(&body, Some("application/vnd.example+json")).unwrap();
    assert_eq!(
        other(json!({"layers": "none", "config": 7, "artifactType": [], "annotations": 1})).layers,
        []
    );
    let manifest =
        other(with(with(image(), "mediaType", Value::Null), "manifests", index()["manifests"].clone()));
    assert_eq!(references(&manifest), "config c, layer 1, layer 2, manifest 3, manifest 4");
    let artifact = json!({
        "mediaType": media_type::OCI_ARTIFACT_MANIFEST,
        "artifactType": "application/vnd.example",
        "blobs": [descriptor("text/plain", '5')],
        "subject": descriptor(media_type::OCI_MANIFEST, '9'),
    });
    let artifact = parse(&artifact, None).unwrap();
    assert_eq!((references(&artifact).as_str(), artifact.kind), ("layer 5", Kind::Other));
    assert_eq!(artifact.referrer_type(), Some("application/vnd.example"));
    assert!(artifact.subject.is_some());
}

#[test]
fn referrers_are_listed_by_artifact_type_or_configuration() {
    let table = [
        (image(), Some(media_type::OCI_CONFIG)),
        (with(image(), "artifactType", json!("")), Some(media_type::OCI_CONFIG)),
        (with(image(), "artifactType", json!("a/b")), Some("a/b")),
        (with(image(), "config", descriptor("", 'c')), None),
        (index(), None),
        (with(index(), "artifactType", json!("a/b")), Some("a/b")),
    ];
    for (body, expected) in table {
        assert_eq!(parse(&body, None).unwrap().referrer_type(), expected, "{body}");
    }
    assert!(parse(&with(image(), "artifactType", json!("a\0")), None).is_err());
    assert_eq!(parse(&json!({"artifactType": "a\0"}), Some("a/b")).unwrap().referrer_type(), None);
}

#[test]
fn depth_and_length_are_survived() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let unknown = image().to_string().replacen('{', &format!("{{\"x\": {deep}, "), 1);
    assert!(Manifest::parse(unknown.as_bytes(), None).is_ok());
    for field in ["layers", "config", "annotations", "subject", "artifactType", "schemaVersion"] {
        let body = with(image(), field, Value::Null).to_string().replacen(
            '{',
            &format!("{{\"{field}\": {deep}, "),
            1,
        );
        assert!(
            matches!(Manifest::parse(body.as_bytes(), None), Err(ManifestError::Field { .. })),
            "{field}"
        );
    }
    let long = parse(&with(image(), "config", json!("x".repeat(1 << 20))), None).unwrap_err();
    assert!(long.to_string().len() < 500);
}

#[test]
fn annotations_are_kept_in_order_of_their_keys() {
    let body = with(image(), "annotations", json!({"b": "2", "a": "1"}));
    let annotations = parse(&body, None).unwrap().annotations;
    assert_eq!(
        annotations.into_iter().collect::<Vec<_>>(),
        [("a".into(), "1".into()), ("b".into(), "2".into())]
    );
    assert!(parse(&with(image(), "annotations", json!(["a"])), None).is_err());
}

proptest! {
    #[test]
    fn references_follow_the_manifest(layers in prop::collection::vec("[0-9a-f]", 0..6)) {
        let digits = layers.iter().filter_map(|layer| layer.chars().next());
        let descriptors: Vec<_> = digits.map(|digit| descriptor(media_type::OCI_LAYER, digit)).collect();
        let manifest = parse(&with(image(), "layers", json!(descriptors)), None).unwrap();
        let expected: String = layers.iter().map(|layer| format!(", layer {layer}")).collect();
        prop_assert_eq!(references(&manifest), format!("config c{expected}"));
    }
}
