//! Replay of what fuzzers start from and found.

use std::path::Path;

/// Runs `target` on the bytes of each seed of the fuzz target of this name, `fuzz/seeds/NAME` in the workspace, which has one at
/// least. A panic is the target's own; the file's name is on stderr before it.
///
/// # Panics
/// The folder cannot be read, or is empty.
pub fn replay_seeds(name: &str, target: fn(&[u8])) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds")).join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut replayed = 0;
    for entry in entries {
        let file = entry.expect("an entry of the folder").path();
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        eprintln!("replaying {}", file.display());
        target(&bytes);
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", folder.display());
}
