//! Which records share a request, and in which order requests go.

use sluice_api::Properties;

use super::*;
use crate::problems::Problems;
use crate::sink::confluent;
use crate::sink::doubles::record;

fn planner(more: &[(&str, &str)]) -> Planner {
    let mut properties: Properties = [("http.api.url".to_owned(), "http://h/x".to_owned())].into_iter().collect();
    properties.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let mut problems = Problems::default();
    let settings = confluent::parse(&properties, &mut problems);
    Planner::new(problems.into_result(settings).unwrap()).unwrap()
}

/// Per lane, per request: method, path and the offsets in it.
fn plan(planner: &Planner, records: &[SinkRecord]) -> Vec<Vec<(String, String, Vec<i64>)>> {
    let lanes = planner.lanes(records, |_| false, |_, error| Err(error)).unwrap();
    let request = |delivery: &Delivery| {
        let offsets = delivery.items.iter().map(|item| records[item.index].offset).collect();
        (delivery.method.to_string(), delivery.url.path().to_owned(), offsets)
    };
    lanes.iter().map(|lane| lane.deliveries.iter().map(request).collect()).collect()
}

fn post(path: &str, offsets: &[i64]) -> (String, String, Vec<i64>) {
    ("POST".into(), path.into(), offsets.to_vec())
}

#[test]
fn batches_are_full_or_the_last() {
    let records: Vec<SinkRecord> = (0..5).map(|offset| record("t", offset, "k", "v")).collect();
    let plan = plan(&planner(&[("batch.max.size", "2")]), &records);
    assert_eq!(plan, [[post("/x", &[0, 1]), post("/x", &[2, 3]), post("/x", &[4])]]);
}

#[test]
fn a_batch_has_at_most_so_many_bytes_and_a_large_record_goes_alone() {
    let large = "c".repeat(50);
    let records = ["aaaa", "bbbb", &large, "d"].into_iter().zip(0..);
    let records: Vec<SinkRecord> = records.map(|(value, offset)| record("t", offset, "k", value)).collect();
    let plan = plan(&planner(&[("batch.max.size", "100"), ("sluice.batch.max.bytes", "10")]), &records);
    assert_eq!(plan, [[post("/x", &[0, 1]), post("/x", &[2]), post("/x", &[3])]]);
}

#[test]
fn groups_by_key_are_filled_next_to_each_other() {
    let records: Vec<SinkRecord> = (0..6).map(|offset| record("t", offset, format!("k{}", offset % 2), "v")).collect();
    let by_key = planner(&[("batch.max.size", "10"), ("http.api.url", "http://h/${key}")]);
    assert_eq!(plan(&by_key, &records), [[post("/k0", &[0, 2, 4]), post("/k1", &[1, 3, 5])]]);
    let by_pattern = planner(&[("batch.max.size", "10"), ("batch.key.pattern", "${topic}-${key}")]);
    assert_eq!(plan(&by_pattern, &records), [[post("/x", &[0, 2, 4]), post("/x", &[1, 3, 5])]]);
}

#[test]
fn records_whose_values_choose_the_address_never_overtake_each_other() {
    let records: Vec<SinkRecord> =
        [("a", 0), ("b", 1), ("a", 2)].into_iter().map(|(value, offset)| record("t", offset, "k", value)).collect();
    let planner = planner(&[("batch.max.size", "10"), ("http.api.url", "http://h/${value}")]);
    assert_eq!(plan(&planner, &records), [[post("/a", &[0]), post("/b", &[1]), post("/a", &[2])]]);
}

#[test]
fn a_delete_goes_alone_and_after_what_came_before() {
    let mut records: Vec<SinkRecord> = (0..4).map(|offset| record("t", offset, "k", "v")).collect();
    records[2].value = Value::Null;
    let more = [("batch.max.size", "10"), ("behavior.on.null.values", "delete")];
    let delete = ("DELETE".to_owned(), "/x".to_owned(), vec![2]);
    assert_eq!(plan(&planner(&more), &records), [[post("/x", &[0, 1]), delete, post("/x", &[3])]]);
    assert_eq!(plan(&planner(&more[..1]), &records), [[post("/x", &[0, 1, 3])]]);
}

#[test]
fn records_of_a_key_stay_in_one_lane_and_all_lanes_are_used() {
    let records: Vec<SinkRecord> =
        (0..400).map(|offset| record("t", offset, format!("k{}", offset % 50), "v")).collect();
    let planner = planner(&[("concurrency.limit", "16")]);
    let lanes = planner.lanes(&records, |_| false, |_, error| Err(error)).unwrap();
    assert!(lanes.len() > 12, "{} lanes", lanes.len());
    let mut lane_of_key: HashMap<String, usize> = HashMap::new();
    for (number, lane) in lanes.iter().enumerate() {
        let mut last = -1;
        for item in lane.deliveries.iter().flat_map(|delivery| &delivery.items) {
            assert!(item.index as i64 > last);
            last = item.index as i64;
            assert_eq!(*lane_of_key.entry(records[item.index].key.to_string()).or_insert(number), number);
        }
    }
}

#[test]
fn a_record_that_no_request_can_be_made_of_is_handed_out_and_the_rest_goes() {
    let records: Vec<SinkRecord> = vec![record("t", 0, "k", "v"), record("t", 1, (), "v"), record("t", 2, "k", "v")];
    let planner = planner(&[("http.api.url", "http://h/${key}")]);
    let failed = std::cell::RefCell::new(Vec::new());
    let lanes = planner.lanes(
        &records,
        |_| false,
        |record, error| {
            failed.borrow_mut().push((record.offset, error.to_string()));
            Ok(())
        },
    );
    assert_eq!(lanes.unwrap()[0].deliveries.len(), 2);
    assert_eq!(failed.into_inner(), [(1, "the record has no `key`, which a template names".to_owned())]);
}
