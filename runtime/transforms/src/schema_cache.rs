//! What a transformation worked out for a schema, kept for the records that come with the same one.

use std::sync::Arc;

use sluice_api::{Result, Schema};

/// As many as Kafka Connect's own transformations keep.
const CAPACITY: usize = 16;

/// The last results by schema. A schema that is the very one of before is found by its identity, without a look inside;
/// one that is equal gets the same result, so that one schema goes on to the next transformation and to the converter.
pub(crate) struct SchemaCache<T> {
    /// Beyond as many, the one that was not asked for the longest goes.
    capacity: usize,
    /// The latest last.
    entries: Vec<(Schema, Arc<T>)>,
}

impl<T> Default for SchemaCache<T> {
    fn default() -> Self {
        Self::of_capacity(CAPACITY)
    }
}

impl<T> SchemaCache<T> {
    /// A cache for so many schemas, at least one.
    pub(crate) fn of_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: Vec::new() }
    }

    /// The result for `schema`, made by `build` when there is none yet. A failure is not kept.
    pub(crate) fn get_or_build(&mut self, schema: &Schema, build: impl FnOnce(&Schema) -> Result<T>) -> Result<&T> {
        let last = match self.entries.iter().rposition(|(known, _)| is_same(known, schema)) {
            Some(at) => {
                self.entries[at..].rotate_left(1);
                self.entries.len() - 1
            }
            None => {
                let equal = self.entries.iter().find(|(known, _)| known == schema);
                let result = match equal {
                    Some((_, result)) => result.clone(),
                    None => Arc::new(build(schema)?),
                };
                if self.entries.len() == self.capacity {
                    self.entries.remove(0);
                }
                self.entries.push((schema.clone(), result));
                self.entries.len() - 1
            }
        };
        Ok(&self.entries[last].1)
    }
}

fn is_same(known: &Schema, schema: &Schema) -> bool {
    match (known.identity(), schema.identity()) {
        (Some(known), Some(schema)) => known == schema,
        // Plain schemas have no identity and are compared at the price of one.
        (None, None) => known == schema,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::SchemaBuilder;

    use super::*;

    fn named(name: &str) -> Schema {
        SchemaBuilder::int8().name(name).build().unwrap()
    }

    #[test]
    fn equal_schemas_share_one_result() {
        let mut cache = SchemaCache::default();
        let mut built = 0;
        for schema in [named("a"), named("a"), Schema::INT8, Schema::INT8, named("b")] {
            cache
                .get_or_build(&schema, |schema| {
                    built += 1;
                    Ok(schema.clone())
                })
                .unwrap();
        }
        assert_eq!(built, 3);
        let (one, two) = (named("a"), named("a"));
        let first = cache.get_or_build(&one, |_| unreachable!("known")).unwrap().identity();
        assert_eq!(cache.get_or_build(&two, |_| unreachable!("known")).unwrap().identity(), first);
    }

    #[test]
    fn the_one_not_asked_for_the_longest_goes() {
        let mut cache = SchemaCache::default();
        let schemas: Vec<_> = (0..=CAPACITY).map(|n| named(&n.to_string())).collect();
        for schema in &schemas[..CAPACITY] {
            cache.get_or_build(schema, |_| Ok(1)).unwrap();
        }
        cache.get_or_build(&schemas[0], |_| unreachable!("known")).unwrap();
        cache.get_or_build(&schemas[CAPACITY], |_| Ok(1)).unwrap();
        assert_eq!(*cache.get_or_build(&schemas[0], |_| Ok(2)).unwrap(), 1);
        assert_eq!(*cache.get_or_build(&schemas[1], |_| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn a_cache_holds_what_it_was_made_for() {
        for capacity in [1, 64] {
            let mut cache = SchemaCache::of_capacity(capacity);
            let schemas: Vec<_> = (0..=capacity).map(|n| named(&n.to_string())).collect();
            for schema in &schemas[..capacity] {
                cache.get_or_build(schema, |_| Ok(1)).unwrap();
            }
            for schema in &schemas[..capacity] {
                cache.get_or_build(schema, |_| unreachable!("known")).unwrap();
            }
            cache.get_or_build(&schemas[capacity], |_| Ok(1)).unwrap();
            assert_eq!(*cache.get_or_build(&schemas[0], |_| Ok(2)).unwrap(), 2);
        }
    }

    #[test]
    fn a_failure_is_not_kept() {
        let mut cache = SchemaCache::default();
        let failure = cache.get_or_build(&Schema::INT8, |_| Err(sluice_api::ConnectError::data("no")));
        assert!(failure.map(|_: &i32| ()).is_err());
        assert_eq!(*cache.get_or_build(&Schema::INT8, |_| Ok(1)).unwrap(), 1);
    }
}
