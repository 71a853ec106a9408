//! What the fuzz target `config_providers` asks.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_api::Properties;

use super::{ConfigTransformer, hidden, redaction};

/// What no provider may read: it lies beside the folder that is allowed.
const FORBIDDEN: &str = "f0rbidden";

/// Resolves the values in `text`, a line each, in which `@` stands for the folder that may be read; `content` is in its file `f`.
/// Nothing beside the folder is read, what is stored has the variables again, and no secret stays in a text that is shown.
pub(crate) fn resolve(text: &str, content: &[u8]) {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("sluice-fuzz-{}-{run}", std::process::id()));
    fs::create_dir_all(folder.join("allowed")).expect("a folder");
    fs::write(folder.join("outside"), format!("a={FORBIDDEN}")).expect("a file");
    fs::write(folder.join("allowed/f"), content).expect("a file");
    resolve_in(&folder.join("allowed"), text, content);
    fs::remove_dir_all(&folder).expect("our own folder");
}

fn resolve_in(folder: &Path, text: &str, content: &[u8]) {
    let folder = folder.display().to_string();
    let worker = [
        ("config.providers", "file,dir,env"),
        ("config.providers.file.class", "FileConfigProvider"),
        ("config.providers.file.param.allowed.paths", &folder),
        ("config.providers.dir.class", "DirectoryConfigProvider"),
        ("config.providers.dir.param.allowed.paths", &folder),
        ("config.providers.env.class", "EnvVarConfigProvider"),
        ("config.providers.env.param.allowlist.pattern", "PATH"),
    ];
    let worker: Properties = worker.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let transformer = ConfigTransformer::new(&worker).expect("good providers");
    let lines = text.replace('@', &folder);
    let written: Properties =
        lines.lines().enumerate().map(|(number, line)| (format!("k{number}"), line.to_owned())).collect();
    let Ok(resolved) = transformer.transform(&written) else { return };
    for (key, value) in &resolved.properties {
        assert!(!value.contains(FORBIDDEN) || lines.contains(FORBIDDEN) || content_says(content), "{value}");
        drop(hidden(value, &written[key], value));
    }
    let mut stored = resolved.properties.clone();
    resolved.unresolve(&written, &mut stored);
    assert_eq!(stored, written);
    // What one run remembers is no business of the next.
    if cfg!(not(test)) {
        redaction::forget();
    }
}

fn content_says(content: &[u8]) -> bool {
    // An escape may spell it, so any letter of it counts.
    content.windows(FORBIDDEN.len()).any(|window| window == FORBIDDEN.as_bytes()) || content.contains(&b'\\')
}
