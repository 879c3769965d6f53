//! A request's query: percent-decoding, and the parameters that the endpoints read.

use std::borrow::Cow;

use crate::error_code::ErrorCode;
use crate::route::{Page, RouteError};
use crate::text::excerpt;

/// Most `artifactType` parameters in one request.
const MAX_ARTIFACT_TYPES: usize = 32;

/// A query as it came on the wire; parameters that no endpoint reads are never looked into.
#[derive(Clone, Copy)]
pub(super) struct Query<'a>(pub(super) &'a str);

impl<'a> Query<'a> {
    /// Every value of a parameter in order, without the empty ones.
    pub(super) fn all(self, name: &'static str) -> impl Iterator<Item = Result<Cow<'a, str>, RouteError>> {
        let pairs = self.0.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(move |(key, value)| !value.is_empty() && decode(key).is_some_and(|key| key == name)).map(
            move |(_, value)| {
                decode(value).filter(|value| !value.chars().any(char::is_control)).ok_or_else(|| {
                    let message = format!("query parameter '{name}' is not printable, percent-encoded UTF-8");
                    RouteError::new(ErrorCode::Unsupported, message).with_status(400)
                })
            },
        )
    }

    /// The first value of a parameter.
    pub(super) fn find(self, name: &'static str) -> Result<Option<Cow<'a, str>>, RouteError> {
        self.all(name).next().transpose()
    }

    /// `n` and `last`.
    pub(super) fn page(self) -> Result<Page, RouteError> {
        let limit = self.find("n")?.map(|text| parse_limit(&text)).transpose()?;
        let last = self.find("last")?.map(Cow::into_owned);
        Ok(Page { limit, last })
    }

    /// `artifactType`, which may repeat.
    pub(super) fn artifact_types(self) -> Result<Vec<String>, RouteError> {
        let types: Vec<_> =
            self.all("artifactType").take(MAX_ARTIFACT_TYPES + 1).collect::<Result<_, _>>()?;
        if types.len() > MAX_ARTIFACT_TYPES {
            let message = format!("more than {MAX_ARTIFACT_TYPES} artifactType parameters");
            return Err(RouteError::new(ErrorCode::Unsupported, message).with_status(400));
        }
        Ok(types.into_iter().map(Cow::into_owned).collect())
    }
}

/// A count; one too large for us is still a count, and gets as many entries as we ever give.
fn parse_limit(text: &str) -> Result<u32, RouteError> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.parse().unwrap_or(u32::MAX));
    }
    let message = format!("query parameter 'n' is {}, not a number of results", excerpt(text));
    Err(RouteError::new(ErrorCode::PaginationNumberInvalid, message))
}

/// Percent-decodes once; `None` for a broken escape or what is not UTF-8.
///
/// A plus sign stays one, in queries too: no value here can hold a space, while clients do write
/// `artifactType=application/vnd.example+json` as it stands.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            hex_value(rest.next()?)? << 4 | hex_value(rest.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// RFC 3986, section 2.1: either case.
fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
