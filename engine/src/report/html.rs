//! A report as a page of HTML that mail readers show too: tables and inline styles, nothing from elsewhere.

use std::sync::LazyLock;

use minijinja::{Environment, context, value::Serde};

use super::view;
use crate::domain::report::Report;

const PAGE: &str = "report.html";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // By its name the template is HTML: what it shows is escaped.
    templates.add_template(PAGE, include_str!("page.html")).expect("the template is well-formed, a test renders it");
    templates
});

/// The whole page.
pub fn html(report: &Report) -> Result<String, minijinja::Error> {
    let sections = Serde(report.entries.iter().map(view::entry).collect::<Vec<_>>());
    TEMPLATES
        .get_template(PAGE)?
        .render(context! { subject => &*report.subject, id => &*report.id, sections => sections })
}
