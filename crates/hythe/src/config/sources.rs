//! What each source said: defaults, the file, variables and flags, from the weakest to the strongest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use super::settings;
use super::types::absolute;
use super::value::Value;

/// One statement of one source on one setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// What a relative path counts from.
    pub(crate) base: PathBuf,
}

/// All statements on all settings.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    said: BTreeMap<&'static str, Vec<Said>>,
}

impl Sources {
    pub(super) fn add(&mut self, path: &'static str, said: Said) {
        let all = self.said.entry(path).or_default();
        all.push(said);
        all.sort_by_key(|said| said.origin.strength());
    }

    /// The statement that counts.
    pub(crate) fn effective(&self, path: &str) -> Option<&Said> {
        self.said.get(path).and_then(|all| all.last())
    }

    /// The statements that do not count because a stronger one was made, strongest first; defaults left out.
    pub(crate) fn overridden(&self, path: &str) -> impl Iterator<Item = &Said> {
        let all = self.said.get(path).map_or(&[][..], Vec::as_slice);
        all.iter().rev().skip(1).filter(|said| said.origin != Origin::Default)
    }

    /// Fills in the default of every setting that has one. The data folder comes first: other defaults lie in it.
    pub(super) fn add_defaults(&mut self, here: &Path, hostname: &str) {
        for key in settings::keys() {
            let Some(default) = key.default else { continue };
            let data = self.data_folder(here).unwrap_or_default();
            let text = default.replace("<data>", &data.to_string_lossy()).replace("<hostname>", hostname);
            let said = Said { value: Value::Given(text), origin: Origin::Default, base: here.to_owned() };
            self.add(key.path, said);
        }
    }

    /// The data folder as far as it is known by now.
    pub(super) fn data_folder(&self, here: &Path) -> Option<PathBuf> {
        match self.effective("data") {
            Some(said) => said.value.text().map(|path| absolute(&said.base, Path::new(path))),
            None => settings::find_key("data")?.default.map(|path| absolute(here, Path::new(path))),
        }
    }
}
