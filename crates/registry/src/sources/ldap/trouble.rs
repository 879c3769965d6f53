//! What went wrong with a directory, in words for the person who can mend it.

use std::error::Error as StdError;
use std::io;

use ldap3::{LdapError, LdapResult};

/// The result code for a name or password that is wrong (RFC 4511 appendix A.2).
pub(super) const INVALID_CREDENTIALS: u32 = 49;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const INVALID_DN_SYNTAX: u32 = 34;
pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
pub(super) const REFERRAL: u32 = 10;
const STRONGER_AUTHENTICATION_REQUIRED: u32 = 8;
const CONFIDENTIALITY_REQUIRED: u32 = 13;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const OPERATIONS_ERROR: u32 = 1;
const INSUFFICIENT_ACCESS: u32 = 50;

/// Why a connection or an operation failed, and what to do.
pub(super) fn words(error: &LdapError, timeout_seconds: u32) -> String {
    match error {
        LdapError::Timeout { .. } => {
            format!("no answer within {timeout_seconds} s; check host, port and firewalls")
        }
        LdapError::Io { source } => io_words(source),
        LdapError::Rustls { source } => tls_words(source),
        LdapError::LdapResult { result } => result_words(result),
        LdapError::FilterParsing => "the filter cannot be read".to_owned(),
        LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            "the server closed the connection".to_owned()
        }
        other => other.to_string(),
    }
}

fn io_words(error: &io::Error) -> String {
    if let Some(tls) = find_tls(error) {
        return tls_words(tls);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "connection refused; check that the server runs and the port".to_owned()
        }
        io::ErrorKind::UnexpectedEof => {
            "the server closed the connection; ldaps:// wants a TLS port, start_tls a plain one".to_owned()
        }
        _ => error.to_string(),
    }
}

fn find_tls(error: &io::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn StdError + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = error.source();
    }
    None
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                format!("its certificate is for another name ({reason}); use a name that it is for")
            }
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its certificate has expired; renew it".to_owned()
            }
            _ => format!(
                "its certificate is not trusted ({reason}); give the authority's certificate as ca_certificate"
            ),
        },
        rustls::Error::InvalidMessage(_) => {
            "it does not speak TLS there; use ldap:// with or without start_tls".to_owned()
        }
        other => format!("TLS failed: {other}"),
    }
}

/// What an operation's result means. The server's own text is kept: Active Directory tells the reason only there.
pub(super) fn result_words(result: &LdapResult) -> String {
    let advice = match result.rc {
        STRONGER_AUTHENTICATION_REQUIRED | CONFIDENTIALITY_REQUIRED => {
            "it wants TLS; set start_tls or use ldaps://"
        }
        NO_SUCH_OBJECT => "the base does not exist there; check base_dn and group_base_dn",
        INSUFFICIENT_ACCESS | OPERATIONS_ERROR => {
            "it does not allow this search; set bind_dn to an account that may"
        }
        INAPPROPRIATE_AUTHENTICATION => "it takes no anonymous sign-in; set bind_dn and bind_password",
        _ => "the server refused",
    };
    let text: String = result.text.chars().filter(|c| !c.is_control()).take(300).collect();
    let text = text.trim();
    if text.is_empty() {
        format!("{advice} (LDAP result {})", result.rc)
    } else {
        format!("{advice} (LDAP result {}: {text})", result.rc)
    }
}
