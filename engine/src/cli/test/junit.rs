//! A report as test runners read it: the XML of JUnit, one suite, a case for each test.

use std::io::{self, Write};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{
    report::Summary,
    told::{Came, Differs, Told},
};

pub(super) fn write(to: impl Write, suite: &str, tests: &[Told], summary: &Summary) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(io::BufWriter::new(to), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let (number, seconds) = (tests.len().to_string(), format!("{:.3}", summary.seconds));
    let (failures, errors) = (summary.failed.to_string(), summary.broken.to_string());
    let totals = [("tests", &*number), ("failures", &*failures), ("errors", &*errors), ("time", &*seconds)];
    xml.create_element("testsuites").with_attributes(totals).write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attribute(("name", suite)).with_attributes(totals);
        suite.write_inner_content(|xml| tests.iter().try_for_each(|one| case(xml, one)))?;
        Ok(())
    })?;
    xml.into_inner().write_all(b"\n")
}

fn case<W: Write>(xml: &mut Writer<W>, told: &Told) -> io::Result<()> {
    let (file, seconds) = (&told.file, format!("{:.3}", told.took.as_secs_f64()));
    let name = told.title.as_deref().unwrap_or(file);
    let attributes = [("classname", &**file), ("name", name), ("file", &**file), ("time", &*seconds)];
    let attributes = attributes.map(|(name, value)| (name, allowed(value)));
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    let case = xml.create_element("testcase").with_attributes(attributes);
    let (kind, message, detail) = match &told.came {
        Came::Passed => return case.write_empty().map(drop),
        Came::Differs(all) => ("failure", first(all), all.iter().map(detail).collect::<String>()),
        Came::Broken(reasons) => ("error", reasons.first().cloned().unwrap_or_default(), reasons.join("\n")),
    };
    case.write_inner_content(|xml| {
        let element = xml.create_element(kind).with_attribute(("message", &*allowed(&message)));
        element.write_text_content(BytesText::new(&allowed(&detail))).map(drop)
    })?;
    Ok(())
}

fn first(differences: &[Differs]) -> String {
    let more = match differences.len() {
        0 | 1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    differences.first().map(|it| format!("{}{more}", it.headline())).unwrap_or_default()
}

fn detail(differs: &Differs) -> String {
    let notes: String = differs.notes.iter().map(|note| format!("  {note}\n")).collect();
    format!("{}\n{notes}", differs.headline())
}

/// What XML 1.0 cannot hold, not even escaped, is shown otherwise.
fn allowed(text: &str) -> String {
    let forbidden =
        |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if forbidden(c) { '\u{fffd}' } else { c }).collect()
}
