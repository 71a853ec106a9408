//! Levels of loggers as `/admin/loggers` shows and changes them (KIP-495).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::LoggerLevel;

/// The name that stands for all loggers.
const ROOT: &str = "root";

/// Applies levels (logger name to upper-case level) to whatever prints the log.
pub type ApplyLevels = Arc<dyn Fn(&BTreeMap<String, String>) + Send + Sync>;

/// The loggers of this worker that have a level of their own.
pub struct Loggers {
    levels: Mutex<BTreeMap<String, LoggerLevel>>,
    apply: ApplyLevels,
}

impl Loggers {
    /// Loggers with the given levels to begin with; `root` should be among them.
    pub fn new(levels: BTreeMap<String, String>, apply: ApplyLevels) -> Self {
        let levels = levels.into_iter().map(|(name, level)| (name, LoggerLevel { level, last_modified_ms: None }));
        Self { levels: Mutex::new(levels.collect()), apply }
    }

    /// Every logger with a level, by name.
    pub fn all(&self) -> Vec<(String, LoggerLevel)> {
        self.lock().iter().map(|(name, level)| (name.clone(), level.clone())).collect()
    }

    /// One logger; `root` in any case.
    pub fn get(&self, name: &str) -> Option<LoggerLevel> {
        self.lock().get(canonical(name)).cloned()
    }

    /// Sets the level of `namespace` and of every logger whose name starts with it, `root` meaning all. Returns the names
    /// whose level changed, sorted.
    pub fn set(&self, namespace: &str, level: &str) -> Vec<String> {
        let (namespace, level) = (canonical(namespace), level.to_uppercase());
        let mut levels = self.lock();
        levels
            .entry(namespace.to_owned())
            .or_insert_with(|| LoggerLevel { level: String::new(), last_modified_ms: None });
        let now = now_ms();
        let mut changed = Vec::new();
        for (name, entry) in levels.iter_mut() {
            let affected = namespace == ROOT || name.starts_with(namespace);
            if affected && entry.level != level {
                *entry = LoggerLevel { level: level.clone(), last_modified_ms: Some(now) };
                changed.push(name.clone());
            }
        }
        let plain = levels.iter().map(|(name, entry)| (name.clone(), entry.level.clone())).collect();
        drop(levels);
        (self.apply)(&plain);
        changed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, LoggerLevel>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn canonical(name: &str) -> &str {
    if name.eq_ignore_ascii_case(ROOT) { ROOT } else { name }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loggers() -> Loggers {
        let levels = [("root", "INFO"), ("sluice_worker", "INFO"), ("sluice_worker::task", "WARN")];
        Loggers::new(levels.map(|(n, l)| (n.to_owned(), l.to_owned())).into(), Arc::new(|_| {}))
    }

    #[test]
    fn a_prefix_changes_every_logger_that_starts_with_it() {
        let loggers = loggers();
        assert_eq!(loggers.set("sluice_worker", "debug"), ["sluice_worker", "sluice_worker::task"]);
        assert_eq!(loggers.get("sluice_worker::task").unwrap().level, "DEBUG");
        assert_eq!(loggers.get("ROOT").unwrap().level, "INFO");
    }

    #[test]
    fn an_unchanged_level_changes_nothing_and_keeps_its_time() {
        let loggers = loggers();
        assert!(loggers.set("sluice_worker::task", "WARN").is_empty());
        assert_eq!(loggers.get("sluice_worker::task").unwrap().last_modified_ms, None);
    }

    #[test]
    fn an_unknown_logger_comes_into_being() {
        let loggers = loggers();
        assert_eq!(loggers.set("x", "debug"), ["x"]);
        assert!(loggers.get("x").unwrap().last_modified_ms.is_some());
    }
}
