//! Which known key a user may have meant.

/// The known key nearest to `key`, when it is near enough to be a typing error: at most two letters changed, added, left out
/// or swapped, and fewer than a third of the key.
pub(super) fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 2.min(key.chars().count() / 3);
    let near = known.map(|candidate| (distance(key, candidate), candidate)).filter(|(distance, _)| *distance <= limit);
    near.min().filter(|(distance, _)| *distance > 0).map(|(_, candidate)| candidate)
}

/// Edits between two texts, a swap of neighbours counting as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_keys_are_found_and_far_ones_are_not() {
        let known = ["bootstrap.servers", "group.id", "offset.flush.interval.ms", "listeners"];
        for (typed, meant) in [
            ("bootstrap.server", Some("bootstrap.servers")),
            ("boostrap.severs", Some("bootstrap.servers")),
            ("gruop.id", Some("group.id")),
            ("offset.flush.intervall.ms", Some("offset.flush.interval.ms")),
            ("listeners", None),
            ("linger.ms", None),
            ("id", None),
        ] {
            assert_eq!(nearest(typed, known.into_iter()), meant, "{typed}");
        }
    }
}
