//! Search filters put together from an operator's part and a stranger's (RFC 4515).

use ldap3::{ldap_escape, parse_filter};

/// An operator's filter with its parentheses; nothing for an empty one. Refuses what no server could read.
pub(super) fn parse(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let whole = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
    match parse_filter(&whole) {
        Ok(_) => Ok(Some(whole)),
        Err(()) => Err(format!("{text} is no filter (RFC 4515), such as (objectClass=person)")),
    }
}

/// Both must be true: the operator's filter, if any, and `attribute` being `value`.
pub(super) fn with(operators: &str, attribute: &str, value: &str) -> String {
    and(operators, &format!("({attribute}={})", ldap_escape(value)))
}

/// As [`with`], where any of several values will do.
pub(super) fn with_any(operators: &str, attribute: &str, values: &[&str]) -> String {
    let any: String = values.iter().map(|value| format!("({attribute}={})", ldap_escape(*value))).collect();
    and(operators, &format!("(|{any})"))
}

/// As [`with`], where the value may stand anywhere in the attribute; an empty value is any.
pub(super) fn containing(operators: &str, attribute: &str, value: &str) -> String {
    let pattern = if value.is_empty() { "*".to_owned() } else { format!("*{}*", ldap_escape(value)) };
    and(operators, &format!("({attribute}={pattern})"))
}

/// The operator's filter, or any entry.
pub(super) fn or_anything(operators: &str) -> String {
    match parse(operators) {
        Ok(Some(filter)) => filter,
        _ => "(objectClass=*)".to_owned(),
    }
}

/// Both must be true: the operator's filter, if any, and one of ours.
pub(super) fn and(operators: &str, own: &str) -> String {
    match parse(operators) {
        Ok(Some(filter)) => format!("(&{filter}{own})"),
        _ => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_types_stays_a_value() {
        assert_eq!(with("", "uid", "*"), r"(uid=\2a)");
        let filter = with("objectClass=person", "uid", "a)(uid=*");
        assert_eq!(filter, r"(&(objectClass=person)(uid=a\29\28uid=\2a))");
        assert!(parse_filter(&filter).is_ok());
        assert_eq!(containing("", "cn", "(x"), r"(cn=*\28x*)");
        assert_eq!(with_any("", "member", &["a", "(b"]), r"(|(member=a)(member=\28b))");
    }

    #[test]
    fn an_operators_filter_may_lack_its_parentheses_but_nothing_else() {
        assert_eq!(parse(" objectClass=person "), Ok(Some("(objectClass=person)".to_owned())));
        assert_eq!(parse(""), Ok(None));
        assert!(parse("(&(a=b)").is_err());
        assert!(parse("nonsense").is_err());
    }
}
