//! Header names: the same few come with every record, so they are one string each.

use std::sync::Arc;

/// Names that are remembered. More than that are rarely in use at once.
const NAMES: usize = 64;

/// The names that were seen last, the one in use first.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Arc<str>>);

impl Names {
    pub(super) fn shared(&mut self, name: &str) -> Arc<str> {
        match self.0.iter().position(|known| &**known == name) {
            Some(0) => {}
            Some(position) => self.0.swap(0, position),
            None => {
                self.0.truncate(NAMES - 1);
                self.0.insert(0, name.into());
            }
        }
        Arc::clone(&self.0[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_one_string_and_only_so_many_are_remembered() {
        let mut names = Names::default();
        let first = names.shared("a");
        assert_eq!(&*names.shared("b"), "b");
        assert!(Arc::ptr_eq(&first, &names.shared("a")));
        for number in 0..3 * NAMES {
            assert_eq!(*names.shared(&number.to_string()), *number.to_string());
        }
        assert!(names.0.len() <= NAMES);
    }
}
