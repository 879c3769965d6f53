//! Names, tags, references and upload ids: what parses is spelt one way only, and names keep to the specification.

#![no_main]

use std::fmt::Debug;
use std::str::FromStr;

use hythe_oci::{ProjectName, Reference, RepositoryName, Tag, UploadId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<RepositoryName>() {
        assert!(name.as_str() == text || name.as_str() == format!("library/{text}"));
        assert!(name.as_str().len() <= 255 && !name.as_str().contains("..") && !name.as_str().contains("//"));
        assert_eq!(format!("{}/{}", name.project(), name.rest()), name.as_str());
        assert_eq!(name.as_str().parse(), Ok(name));
    }
    is_canonical::<ProjectName>(text);
    is_canonical::<Tag>(text);
    is_canonical::<Reference>(text);
    is_canonical::<UploadId>(text);
});

fn is_canonical<T: FromStr<Err: Debug> + ToString + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}
