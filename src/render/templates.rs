//! The engine of the role templates: the embedded ones, or with the operator's own in their place.

use std::sync::LazyLock;

use tera::{Kwargs, State, Tera, Value};

use super::RenderError;
use super::role::TEMPLATES;

/// The embedded templates, parsed once for all hosts; why, where one of them is wrong.
static EMBEDDED: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    // JSON is YAML: strings quoted, lists and booleans as they are.
    tera.register_filter("yaml", |value: Value, _: Kwargs, _: &State| {
        serde_json::to_string(&value).unwrap_or_default()
    });
    // What is left to loop over are the cluster's own lists.
    tera.register_function("range", |_: Kwargs, _: &State| {
        Err::<Value, _>(tera::Error::message("there is no `range` here: loops run over lists of the cluster"))
    });
    tera.add_raw_templates(TEMPLATES.iter().map(|(_, name, text)| (*name, *text)))
        .map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The templates that configs are rendered from. None of them can read a file: they know each other only.
#[derive(Clone, Default)]
pub struct Templates {
    own: Option<Tera>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.own.is_some() { "Templates(own)" } else { "Templates(embedded)" })
    }
}

impl Templates {
    /// The names that there are, such as `role/broker.yaml`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|(_, name, _)| *name)
    }

    /// Puts a template in the place of the one of its name.
    ///
    /// # Errors
    /// When it is no template, with the place in its text.
    pub fn replace(&mut self, name: &str, text: &str) -> Result<(), RenderError> {
        let known = Self::names().find(|known| *known == name);
        let name = known.ok_or_else(|| RenderError::template("unknown", "there is none of this name"))?;
        let mut tera = self.engine()?.clone();
        tera.add_raw_template(name, text).map_err(|error| RenderError::of(name, &error))?;
        self.own = Some(tera);
        Ok(())
    }

    pub(super) fn engine(&self) -> Result<&Tera, RenderError> {
        match &self.own {
            Some(tera) => Ok(tera),
            None => EMBEDDED.as_ref().map_err(|reason| RenderError::template("embedded", reason.as_str())),
        }
    }
}
