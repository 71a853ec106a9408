//! The eager assignor: everyone has stopped, everything is dealt anew (connect-worker.md 3.4).

use std::collections::BTreeMap;

use super::connectors_and_tasks::ConnectorsAndTasks;
use super::worker_load::{Connectors, Loads, Tasks, deal_round};

/// Deals `configured` round the `members`: all connectors first, then, going on with the next member, all tasks. Each
/// member appears in the result, whatever it got. Without members there is nobody to deal to.
pub fn assign_eagerly(members: &[&str], configured: &ConnectorsAndTasks) -> BTreeMap<String, ConnectorsAndTasks> {
    let mut dealt: Loads = members.iter().map(|member| ((*member).to_owned(), ConnectorsAndTasks::default())).collect();
    let mut order: Vec<String> = dealt.keys().cloned().collect();
    deal_round::<Connectors>(&mut dealt, &order, &configured.connectors);
    let next_in_turn = configured.connectors.len() % order.len().max(1);
    order.rotate_left(next_in_turn);
    deal_round::<Tasks>(&mut dealt, &order, &configured.tasks);
    dealt
}

#[cfg(test)]
mod tests {
    use super::super::connectors_and_tasks::tests::work;
    use super::*;

    #[test]
    fn tasks_go_on_where_connectors_ended() {
        let configured = work(&["a", "b", "c"], &[("a", 2), ("b", 1)]);
        let dealt = assign_eagerly(&["m2", "m1"], &configured);
        let mut expected = BTreeMap::new();
        expected.insert("m1".to_owned(), work(&["a", "c"], &[]));
        expected.insert("m2".to_owned(), work(&["b"], &[]));
        // Three connectors: the fourth item, which is task a-0, is m2's.
        expected.entry("m2".to_owned()).or_default().tasks = work(&[], &[("a", 1), ("b", 1)]).tasks;
        expected.entry("m1".to_owned()).or_default().tasks =
            work(&[], &[("a", 2)]).tasks.into_iter().filter(|id| id.task == 1).collect();
        assert_eq!(dealt, expected);
    }

    #[test]
    fn nobody_gets_anything_in_an_empty_group() {
        assert_eq!(assign_eagerly(&[], &work(&["a"], &[("a", 2)])), BTreeMap::new());
    }
}
