//! Error codes of the distribution specification ("Error Codes"), and those that registries add to them.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $meaning:literal;)+) => {
        /// What went wrong, in a word that clients know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $code, "`, ", stringify!($status), ": ", $meaning)] $(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the specification's table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The `code` field of the error body.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The HTTP status that goes with the code unless an endpoint's specification says otherwise.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// The specification's own words for the code, for an error without a message of its own.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

error_codes! {
    BlobUnknown = "BLOB_UNKNOWN", 404, "blob unknown to registry";
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID", 400, "blob upload invalid";
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN", 404, "blob upload unknown to registry";
    DigestInvalid = "DIGEST_INVALID", 400, "provided digest did not match uploaded content";
    /// 404 by the specification's table of endpoints (end-7 fails with 404 or 413); distribution answers 400.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN", 404, "manifest references a manifest or blob unknown to registry";
    ManifestInvalid = "MANIFEST_INVALID", 400, "manifest invalid";
    ManifestUnknown = "MANIFEST_UNKNOWN", 404, "manifest unknown to registry";
    NameInvalid = "NAME_INVALID", 400, "invalid repository name";
    NameUnknown = "NAME_UNKNOWN", 404, "repository name not known to registry";
    SizeInvalid = "SIZE_INVALID", 400, "provided length did not match content length";
    Unauthorized = "UNAUTHORIZED", 401, "authentication required";
    Denied = "DENIED", 403, "requested access to the resource is denied";
    Unsupported = "UNSUPPORTED", 405, "the operation is unsupported";
    TooManyRequests = "TOOMANYREQUESTS", 429, "too many requests";
    /// Not in the specification's table; distribution's word for a chunk or a range out of order.
    RangeInvalid = "RANGE_INVALID", 416, "invalid content range";
    /// Named by the specification as a legacy code.
    TagInvalid = "TAG_INVALID", 400, "manifest tag did not match its pattern";
    /// distribution's word for an `n` that is no count.
    PaginationNumberInvalid = "PAGINATION_NUMBER_INVALID", 400, "invalid number of results requested";
    /// distribution's word for "come again later".
    Unavailable = "UNAVAILABLE", 503, "service unavailable";
    /// distribution's word for a fault of the registry itself.
    Unknown = "UNKNOWN", 500, "unknown error";
    /// No registry agrees on a word for this one; the status says it.
    StorageFull = "STORAGE_FULL", 507, "registry has no room left";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ErrorCode;

    #[test]
    fn codes_are_words_with_an_error_status() {
        let words: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(!code.meaning().is_empty(), "{code}");
        }
    }

    #[test]
    fn the_specifications_codes_come_first_and_whole() {
        let specified = "BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DIGEST_INVALID MANIFEST_BLOB_UNKNOWN \
            MANIFEST_INVALID MANIFEST_UNKNOWN NAME_INVALID NAME_UNKNOWN SIZE_INVALID UNAUTHORIZED DENIED UNSUPPORTED \
            TOOMANYREQUESTS";
        let codes: Vec<_> = specified.split_ascii_whitespace().collect();
        let ours: Vec<_> = ErrorCode::ALL.iter().take(codes.len()).map(|code| code.as_str()).collect();
        assert_eq!(ours, codes);
        assert_eq!(serde_json::to_string(&ErrorCode::NameUnknown).unwrap(), "\"NAME_UNKNOWN\"");
    }
}
