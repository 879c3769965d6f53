//! Distinguished names, as far as they have to be compared.

/// The form in which two spellings of one name are the same: lower case, no blanks beside `,` and `=`.
pub(crate) fn normal(dn: &str) -> String {
    let mut normal = String::with_capacity(dn.len());
    for part in dn.split(',') {
        if !normal.is_empty() {
            normal.push(',');
        }
        match part.split_once('=') {
            Some((name, value)) => {
                normal.push_str(name.trim());
                normal.push('=');
                normal.push_str(value.trim());
            }
            None => normal.push_str(part.trim()),
        }
    }
    normal.to_lowercase()
}

/// Whether `dn` is `base` or below it; an empty base has everything below it. Both in their normal form.
pub(super) fn is_within(dn: &str, base: &str) -> bool {
    base.is_empty() || dn == base || dn.strip_suffix(base).is_some_and(|rest| rest.ends_with(','))
}

/// The value of the first part: `developers` of `cn=developers,ou=groups`.
pub(super) fn first_value(dn: &str) -> &str {
    let first = dn.split_once(',').map_or(dn, |(first, _)| first);
    first.split_once('=').map_or(first, |(_, value)| value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_the_same() {
        assert_eq!(normal("CN=Devs, OU = Groups,dc=Example"), "cn=devs,ou=groups,dc=example");
        assert_ne!(normal("cn=devs,ou=a"), normal("cn=devs,ou=b"));
    }

    #[test]
    fn below_a_base_is_by_whole_parts() {
        assert!(is_within("cn=a,ou=groups,dc=x", "ou=groups,dc=x"));
        assert!(is_within("ou=groups,dc=x", "ou=groups,dc=x"));
        assert!(!is_within("cn=a,ou=mygroups,dc=x", "groups,dc=x"));
        assert!(is_within("cn=a", ""));
    }

    #[test]
    fn the_first_value_names_it() {
        assert_eq!(first_value("cn=developers,ou=groups"), "developers");
        assert_eq!(first_value("odd"), "odd");
    }
}
