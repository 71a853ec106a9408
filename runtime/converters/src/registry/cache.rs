//! A map that never holds more than its limit.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A bounded map. A full one starts anew: what is still in use comes back with one request each, and nothing has to be kept per use.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    limit: usize,
    entries: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// A map of at most `limit` entries, of one at least.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), entries: HashMap::new() }
    }

    /// The value of `key`.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// Adds or replaces a value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            self.entries.clear();
        }
        self.entries.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_starts_anew() {
        let mut cache = Cache::new(2);
        cache.insert(1, "a");
        cache.insert(2, "b");
        cache.insert(2, "c");
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(&"a"), Some(&"c")));
        cache.insert(3, "d");
        assert_eq!((cache.get(&1), cache.get(&3)), (None, Some(&"d")));
    }
}
