//! Texts with places that the offset fills in: `${offset.timestamp}`, `${timestamp}`, and with `?datetime.iso?long` the time in milliseconds.

use super::timestamp;

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OffsetTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
    Millis(String),
}

impl OffsetTemplate {
    /// # Errors
    /// What is not understood: of FreeMarker only fields of the offset are there.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        if let Some(directive) = text.find("<#") {
            return Err(format!("directives of FreeMarker are not supported yet: {}", &text[directive..]));
        }
        while let Some(at) = rest.find("${") {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            let inside = &rest[at + 2..];
            let end = inside.find('}').ok_or_else(|| format!("expected a closing brace after {}", &rest[at..]))?;
            pieces.push(place(inside[..end].trim())?);
            rest = &inside[end + 1..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text for an offset, whose fields `field` gives.
    ///
    /// # Errors
    /// A field that the offset lacks, or one that is no time where one is needed.
    pub(super) fn render(&self, field: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(name) | Piece::Millis(name) => {
                    let value = field(name).ok_or_else(|| {
                        format!("the offset has no `{name}`, which a template names: give it a first value in `http.offset.initial`")
                    })?;
                    if matches!(piece, Piece::Millis(_)) {
                        let millis = timestamp::parse(&value)
                            .ok_or_else(|| format!("`{name}` of the offset is no time: {value}"))?;
                        out.push_str(&millis.to_string());
                    } else {
                        out.push_str(&value);
                    }
                }
            }
        }
        Ok(out)
    }
}

fn place(expression: &str) -> Result<Piece, String> {
    let (path, builtins) = expression.split_once('?').unwrap_or((expression, ""));
    let name = path.trim().strip_prefix("offset.").unwrap_or(path.trim());
    let is_name = !name.is_empty() && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
    match (is_name, builtins) {
        (true, "") => Ok(Piece::Field(name.to_owned())),
        (true, "datetime.iso?long") => Ok(Piece::Millis(name.to_owned())),
        _ => Err(format!(
            "${{{expression}}} is not supported yet: expected a field of the offset such as ${{offset.timestamp}}, or \
             ${{offset.timestamp?datetime.iso?long}}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_offset_are_filled_in() {
        let field = |name: &str| (name == "timestamp").then(|| "2020-05-08T07:55:44Z".to_owned());
        let render = |text: &str| OffsetTemplate::parse(text).unwrap().render(field);
        assert_eq!(
            render("a=${offset.timestamp}&b=${timestamp}"),
            Ok("a=2020-05-08T07:55:44Z&b=2020-05-08T07:55:44Z".into())
        );
        assert_eq!(render("${offset.timestamp?datetime.iso?long}"), Ok("1588924544000".into()));
        assert!(render("${offset.key}").unwrap_err().contains("http.offset.initial"));
        assert!(
            OffsetTemplate::parse("${offset.timestamp?datetime.iso?string['yyyy']}")
                .unwrap_err()
                .contains("not supported yet")
        );
        assert!(OffsetTemplate::parse("<#if x>").is_err());
    }
}
