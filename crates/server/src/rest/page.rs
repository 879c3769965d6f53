//! Pages of a list: Harbor's `page` and `page_size`, `X-Total-Count` and `Link`, and beside them a cursor.
//!
//! A page that is asked for by number is found by counting rows past; the next page that `Link` names carries the key
//! of the last row (`after`) as well, and is found by it, however far down the list it is.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, Uri, header};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;

use super::RestFailure;

/// Harbor's page sizes.
pub(super) const DEFAULT_SIZE: u32 = 10;
pub(super) const LARGEST_SIZE: u32 = 100;

/// Harbor's clients ask for everything with `page_size=0`; they get this much, and a `Link` to the rest.
const ALL: u32 = 1000;

/// Rows that may be counted past to find a page by its number.
const FARTHEST: u32 = 1_000_000;

/// What every list can be asked with.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The page, from 1.
    #[serde(default, deserialize_with = "number")]
    pub(super) page: Option<u32>,
    /// Entries of a page, 100 at most.
    #[serde(default, deserialize_with = "number")]
    pub(super) page_size: Option<u32>,
    /// The key of the last entry seen, from the `Link` header; goes before `page`.
    pub(super) after: Option<String>,
    /// Filters: `name=value`, `name=~part`, `name=[min~max]`, `name={a b}`, `name=(a b)`, joined by commas.
    pub(super) q: Option<String>,
    /// The order: a field, with a minus before it for descending.
    pub(super) sort: Option<String>,
}

/// harborapi leaves the number empty where nobody says one; less than 0 is to Harbor what 0 is.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    let number = text.map(|text| text.parse::<i64>().map_err(D::Error::custom)).transpose()?;
    number.map(|number| u32::try_from(number.max(0)).map_err(D::Error::custom)).transpose()
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(super) struct Page {
    number: u32,
    size: u32,
    after: Option<String>,
}

impl Page {
    /// The page a query asks for.
    pub(super) fn of(query: &ListQuery) -> Result<Page, RestFailure> {
        // harbor-cli leaves the number at 0 where it wants the whole list.
        let number = query.page.unwrap_or(1).max(1);
        let size = match query.page_size {
            Some(0) => ALL,
            size => size.unwrap_or(DEFAULT_SIZE),
        };
        let out_of_range = |message: String| RestFailure::new(StatusCode::UNPROCESSABLE_ENTITY, message);
        if size > LARGEST_SIZE && size != ALL {
            return Err(out_of_range(format!("page_size is 1 to {LARGEST_SIZE}, not {size}")));
        }
        let page = Page { number, size, after: query.after.clone().filter(|after| !after.is_empty()) };
        if page.skip() > FARTHEST {
            return Err(out_of_range(format!(
                "page {number} is more than {FARTHEST} entries down the list; follow the Link headers instead"
            )));
        }
        Ok(page)
    }

    /// The key behind which the page begins.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Rows to count past; none where a key is given.
    pub(super) fn skip(&self) -> u32 {
        if self.after.is_some() { 0 } else { (self.number - 1).saturating_mul(self.size) }
    }

    /// Rows to ask for: one more than the page shows, to know whether there is a next one.
    pub(super) fn limit(&self) -> u32 {
        self.size + 1
    }

    /// The answer. `total` is how many entries the whole list has; `key` gives what `after` would be, empty where the
    /// list's order has none.
    pub(super) fn answer<T: Serialize>(
        &self,
        mut items: Vec<T>,
        total: i64,
        uri: &Uri,
        key: impl Fn(&T) -> String,
    ) -> Response {
        let more = items.len() > self.size as usize;
        items.truncate(self.size as usize);
        let after = items.last().map(key).filter(|_| more);
        let mut response = axum::Json(items).into_response();
        let headers = response.headers_mut();
        headers.insert("x-total-count", HeaderValue::from(total));
        if let Some(link) = self.links(uri, after).and_then(|links| HeaderValue::try_from(links).ok()) {
            headers.insert(header::LINK, link);
        }
        response
    }

    /// `<…>; rel="prev", <…>; rel="next"`, relative to the host, so that they work behind every proxy.
    fn links(&self, uri: &Uri, after: Option<String>) -> Option<String> {
        let mut links = Vec::new();
        if self.number > 1 {
            links.push(format!("<{}>; rel=\"prev\"", self.url(uri, self.number - 1, "")));
        }
        if let Some(after) = after {
            links.push(format!("<{}>; rel=\"next\"", self.url(uri, self.number.saturating_add(1), &after)));
        }
        (!links.is_empty()).then(|| links.join(", "))
    }

    fn url(&self, uri: &Uri, number: u32, after: &str) -> String {
        let query = uri.query().unwrap_or_default().as_bytes();
        let kept = url::form_urlencoded::parse(query)
            .filter(|(name, _)| !matches!(name.as_ref(), "page" | "page_size" | "after"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        query.append_pair("page", &number.to_string()).append_pair("page_size", &self.size.to_string());
        if !after.is_empty() {
            query.append_pair("after", after);
        }
        format!("{}?{}", uri.path(), query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(query: &ListQuery, uri: &'static str, items: u32) -> Option<String> {
        let page = Page::of(query).unwrap();
        let response =
            page.answer((0..items).collect(), 99, &Uri::from_static(uri), |item| format!("k{item}"));
        let link = response.headers().get(header::LINK)?;
        Some(link.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_next_page_is_linked_by_number_and_by_key() {
        let query = ListQuery { page_size: Some(2), ..ListQuery::default() };
        let next = "</api/v2.0/projects?q=name%3D%7Ea&page=2&page_size=2&after=k1>; rel=\"next\"";
        assert_eq!(link(&query, "/api/v2.0/projects?q=name%3D~a", 3).as_deref(), Some(next));
        assert_eq!(link(&query, "/api/v2.0/projects", 2), None);
    }

    #[test]
    fn a_later_page_links_back() {
        let query = ListQuery { page: Some(3), ..ListQuery::default() };
        assert_eq!(link(&query, "/a?page=3", 1).as_deref(), Some("</a?page=2&page_size=10>; rel=\"prev\""));
        assert_eq!(Page::of(&query).unwrap().skip(), 20);
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for query in [
            ListQuery { page_size: Some(101), ..ListQuery::default() },
            ListQuery { page: Some(u32::MAX), ..ListQuery::default() },
        ] {
            assert!(Page::of(&query).is_err(), "{query:?}");
        }
    }
}
