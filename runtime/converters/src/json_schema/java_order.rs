//! The orders in which Java's maps give the members of a schema: its text is compared, so they are part of it.

use sluice_api::data::{java_hash_order_by, java_string_hash};

/// As a `HashMap` that grew from its default size.
pub(super) fn hash_map<T>(entries: &mut [T], name: impl Fn(&T) -> &str) {
    java_hash_order_by(entries, |entry| java_string_hash(name(entry)));
}

/// As `new HashMap(map)`, which has just as many buckets as it needs.
pub(super) fn hash_map_copy<T>(entries: &mut [T], name: impl Fn(&T) -> &str) {
    hash_map(entries, &name);
    let wanted = (entries.len() as f32 / 0.75 + 1.0) as usize;
    in_buckets(entries, wanted.next_power_of_two(), name);
}

/// As `new HashMap(map.size())` into which the map's entries are put one by one.
pub(super) fn hash_map_of_size<T>(entries: &mut [T], name: impl Fn(&T) -> &str) {
    hash_map(entries, &name);
    let mut buckets = entries.len().next_power_of_two();
    while entries.len() > buckets * 3 / 4 {
        buckets *= 2;
    }
    in_buckets(entries, buckets, name);
}

fn in_buckets<T>(entries: &mut [T], buckets: usize, name: impl Fn(&T) -> &str) {
    entries.sort_by_key(|entry| {
        let hash = java_string_hash(name(entry)) as u32;
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_maps_have_few_buckets() {
        // Hashes 97, 98 and 99: in 16 buckets 1, 2, 3; "p" has 112, which is 0 in 16 and in 4 of them.
        let mut names = ["c", "b", "a", "p"];
        hash_map(&mut names, |name| name);
        assert_eq!(names, ["p", "a", "b", "c"]);
        // 16 is 0 in 4 buckets too, and "d" (100) is 0 there but 4 in 16.
        let mut names = ["d", "c"];
        hash_map(&mut names, |name| name);
        assert_eq!(names, ["c", "d"]);
        hash_map_copy(&mut names, |name| name);
        assert_eq!(names, ["d", "c"]);
    }
}
