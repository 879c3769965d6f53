//! `hythe version`

use crate::output::{self, Format};
use crate::version::VERSION;

pub(crate) fn run(format: Format) {
    match format {
        Format::Json => output::print_json(&VERSION),
        Format::Text => output::print(&format!(
            "hythe {}\ncommit {}\n{}\ntarget {}\n",
            VERSION.version, VERSION.commit, VERSION.rustc, VERSION.target
        )),
    }
}
