//! `hythe completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output;

pub(crate) fn run(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hythe", &mut script);
    output::print(&String::from_utf8_lossy(&script));
}
