//! `hythe admin certificate`

use super::{Desk, refused};
use crate::failure::{Code, Failure};
use crate::output;

pub(super) async fn run(desk: &Desk) -> Result<(), Failure> {
    let kept = desk.registry.find_self_made_certificate().await.map_err(refused)?;
    let missing = || {
        Failure::new(
            "no node has made a certificate for itself; it is made when one first starts without tls.cert",
        )
        .with_code(Code::Missing)
    };
    output::print(&kept.ok_or_else(missing)?.certificate_pem);
    Ok(())
}
