//! `hythe config example`: a `hythe.toml` with every setting, each as a comment.

use super::explain::paragraph;
use super::settings::SECTIONS;
use super::table::{Key, Section};
use crate::output::wrap;

const HEAD: &str = "\
# hythe.toml: every setting with its default. Nothing here must be set; take the # from the lines that you change.
#
# A value is taken from the first of these that names it:
#   a flag             hythe serve --listen :5000
#   a variable         HYTHE_DATABASE_URL=sqlite:///srv/hythe.db  (HYTHE_, the section, the setting)
#   this file          given by --config or HYTHE_CONFIG, else ./hythe.toml, else hythe.toml in the data folder
#   the default
# Relative paths count from the folder of this file. `hythe config check` reads it as the server would, and
# `hythe config explain KEY` says what a setting is and where its value came from.
";

/// Columns of a comment.
const WIDTH: usize = 116;

/// The text of the file.
pub(crate) fn example() -> String {
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        text.push('\n');
        add_section(&mut text, section);
    }
    text
}

fn add_section(text: &mut String, section: &Section) {
    if !section.name().is_empty() {
        add_comment(text, &paragraph(section.doc));
        text.push_str(&format!("[{}]\n", section.name()));
    }
    for (index, key) in section.keys.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        add_key(text, key);
    }
}

fn add_key(text: &mut String, key: &Key) {
    add_comment(text, &paragraph(key.doc));
    match key.default {
        Some(default) if !default.contains('<') => {
            text.push_str(&format!("# {} = {}\n", key.leaf(), key.in_toml(default)));
        }
        Some(default) => {
            add_comment(text, &format!("Default: {default}"));
            text.push_str(&format!("# {} = {}\n", key.leaf(), key.example_in_toml()));
        }
        None => {
            add_comment(text, "Not set by default.");
            text.push_str(&format!("# {} = {}\n", key.leaf(), key.example_in_toml()));
        }
    }
}

fn add_comment(text: &mut String, comment: &str) {
    for line in wrap(comment, WIDTH) {
        text.push_str(&format!("# {line}\n"));
    }
}
