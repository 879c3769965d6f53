//! A page of 100 tags among 100 and among 100,000.

use std::fmt::Write as _;

use super::client::Client;
use super::manifests::{self, load};
use super::peers::Hythe;
use super::report::{Report, median};
use super::said;
use crate::command::Outcome;

const MANY: usize = 100_000;
/// Tags in one push.
const AT_ONCE: usize = 100;

pub(super) fn measure(hythe: &Hythe, rounds: usize, report: &mut Report) -> Outcome {
    let token = hythe.token("repository:library/few:pull,push&scope=repository:library/many:pull,push")?;
    let client = hythe.client(Some(token.clone()));
    make_tags(&client, "library/few", 100)?;
    make_tags(&client, "library/many", MANY)?;
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        few.push(load(hythe.port, "/v2/library/few/tags/list?n=100", Some(&token))?.rate);
        many.push(load(hythe.port, "/v2/library/many/tags/list?n=100&last=v0049999", Some(&token))?.rate);
    }
    let (few, many) = (median(&few), median(&many));
    report.add(
        "tags/list, page of 100: time among 100,000 tags, of that among 100",
        few / many,
        "at most 1.5",
    );
    report.note(format!("tags: {few:.0} pages/s among 100 tags, {many:.0} pages/s among 100,000"));
    Ok(())
}

/// One manifest under many tags, a hundred a push.
fn make_tags(client: &Client, name: &str, count: usize) -> Outcome {
    manifests::push(client, name, "v0000000")?;
    let manifest = manifests::manifest();
    let digest = digest_of(&manifest)?;
    let tags: Vec<String> = (0..count).map(|number| format!("v{number:07}")).collect();
    for some in tags.chunks(AT_ONCE) {
        let mut path = format!("/v2/{name}/manifests/{digest}?");
        for tag in some {
            write!(path, "&tag={tag}")?;
        }
        client
            .send_bytes(
                "PUT",
                &path.replace("?&", "?"),
                "application/vnd.oci.image.manifest.v1+json",
                manifest.as_bytes(),
            )?
            .expect(201)?;
    }
    Ok(())
}

fn digest_of(text: &str) -> Outcome<String> {
    let script = format!("printf %s '{text}' | sha256sum");
    let hash = said("sh", &["-c", &script])?;
    Ok(format!("sha256:{}", hash.split_whitespace().next().unwrap_or_default()))
}
