//! `allowed.paths` of the providers that read files, and how they read them.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use sluice_api::{ConnectError, Properties};

/// No secret is larger; a path that leads to something else must not cost memory without bound.
const LARGEST_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The paths below which a provider may read; none named means everywhere.
#[derive(Debug)]
pub(super) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    /// The paths of the parameter `allowed.paths`.
    ///
    /// # Errors
    /// A path that is not absolute or does not exist.
    pub(super) fn parse(params: &Properties) -> Result<Self, ConnectError> {
        let Some(text) = params.get("allowed.paths").filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        text.split(',').map(allowed).collect::<Result<_, _>>().map(|paths| Self(Some(paths)))
    }

    /// The path to read, `None` (and a line in the log) when it is not allowed.
    pub(super) fn check(&self, path: &str) -> Option<PathBuf> {
        let Some(allowed) = &self.0 else { return Some(path.into()) };
        let normalized = normalize(Path::new(path));
        if allowed.iter().any(|allowed| normalized.starts_with(allowed)) {
            return Some(normalized);
        }
        tracing::warn!(path, "the path is not one that the config provider may read (`allowed.paths`)");
        None
    }
}

fn allowed(text: &str) -> Result<PathBuf, ConnectError> {
    let path = normalize(Path::new(text));
    let shown = path.display();
    if !path.is_absolute() {
        return Err(ConnectError::config(format!("Path {shown} is not absolute")));
    }
    if !path.exists() {
        return Err(ConnectError::config(format!("Path {shown} does not exist")));
    }
    Ok(path)
}

/// Takes `.` and `..` out without looking at the file system, as `java.nio.file.Path.normalize` does.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            Component::ParentDir if normal.has_root() => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The text of a regular file. A pipe is refused: opening one could wait for ever.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind};
    if !fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, format!("larger than {LARGEST_FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(paths: &str) -> Result<AllowedPaths, ConnectError> {
        AllowedPaths::parse(&[("allowed.paths".to_owned(), paths.to_owned())].into())
    }

    #[test]
    fn a_path_is_judged_after_its_dots_are_taken_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().display();
        let paths = allow(&format!("{root}/./x/..")).expect("it exists");
        assert_eq!(paths.check(&format!("{root}/a/../b")), Some(folder.path().join("b")));
        for path in [format!("{root}/../other"), format!("{root}x"), "/etc/passwd".to_owned(), "relative".to_owned()] {
            assert_eq!(paths.check(&path), None, "{path}");
        }
        assert!(allow("").expect("nothing to check").check("/anything/../at/all").is_some());
    }

    #[test]
    fn paths_that_cannot_be_allowed_are_named() {
        assert_eq!(allow("relative").expect_err("not absolute").message(), "Path relative is not absolute");
        assert_eq!(allow("/no/such").expect_err("not there").message(), "Path /no/such does not exist");
    }
}
