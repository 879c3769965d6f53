//! What never changes about an entry. Its distinguished name does, when somebody marries or moves to another department.

use super::connection::Entry;
use super::{dn, filter};

/// RFC 4530's attribute.
pub(super) const ENTRY_UUID: &str = "entryUUID";
/// Active Directory's.
pub(super) const OBJECT_GUID: &str = "objectGUID";
const GUID_BYTES: usize = 16;

/// The UUID of an entry, else its distinguished name.
pub(super) fn of(entry: &Entry) -> String {
    if let Some(uuid) = entry.first(ENTRY_UUID) {
        return uuid.to_ascii_lowercase();
    }
    match entry.first_bytes(OBJECT_GUID) {
        Some(guid) => guid.iter().map(|byte| format!("{byte:02x}")).collect(),
        None => dn::normal(&entry.dn),
    }
}

/// A filter that finds the entry again; none for one that is known by its distinguished name.
pub(super) fn filter(subject: &str) -> Option<String> {
    let is_hexadecimal = subject.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal && subject.len() == 2 * GUID_BYTES {
        let escaped: String =
            subject.as_bytes().chunks(2).map(|pair| format!("\\{}", pair.escape_ascii())).collect();
        return Some(format!("({OBJECT_GUID}={escaped})"));
    }
    (!subject.contains('=')).then(|| filter::with("", ENTRY_UUID, subject))
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn entries_are_found_again_by_what_never_changes() {
        assert_eq!(
            filter("327acf8c-79b4-1041-9b50-716938482ef9").unwrap(),
            "(entryUUID=327acf8c-79b4-1041-9b50-716938482ef9)"
        );
        let guid = filter("00ff2a28000102030405060708090a0b").unwrap();
        assert!(
            guid.starts_with(r"(objectGUID=\00\ff\2a\28") && ldap3::parse_filter(&guid).is_ok(),
            "{guid}"
        );
        assert_eq!(filter("uid=alice,dc=example"), None);
    }
}
