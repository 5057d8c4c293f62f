//! What is wrong in a TOML file, with its place, for people.

use std::path::Path;

use crate::domain::text::plain;

/// `FILE:LINE:COLUMN: what is wrong`, and below it the line itself.
pub(super) fn with_place(file: &Path, error: &toml::de::Error) -> String {
    let (file, message, shown) = (file.display(), plain(error.message()), error.to_string());
    let place = shown.strip_prefix("TOML parse error at line ").and_then(|rest| rest.split_once('\n'));
    let Some((place, rest)) = place else {
        return format!("{file}: {message}");
    };
    let excerpt = rest.trim_end().strip_suffix(error.message().trim_end()).unwrap_or_default();
    format!("{file}:{}: {message}\n{}", place.replace(", column ", ":"), excerpt.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_place_and_its_line() {
        let error = toml::from_str::<super::super::Config>("[matchers]\nworkers = \"many\"\n").unwrap_err();
        let told = "f.toml:2:11: wrong type: string \"many\", expected a whole number\n  |\n\
                    2 | workers = \"many\"\n  |           ^^^^^^";
        assert_eq!(with_place(Path::new("f.toml"), &error), told);
    }
}
