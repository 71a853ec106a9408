//! Invariant 6: validation answers what Apache Kafka Connect 4.3.0 answered (`tests/golden/rest`).

mod golden;
mod plugins;
mod rules;

use golden::{Step, infos_json, keys_json, steps, worker};

use super::{plugin_config, validate_connector_config_with_nulls};

/// Where our answer differs on purpose, with the reason.
const DEVIATIONS: [(&str, &str); 3] = [
    ("P6.5", "java.lang.String is a class of the JVM's; here it cannot be found"),
    ("P5.6", "the text about a malformed regular expression is the Rust engine's"),
    ("D10.6", "the text about a malformed regular expression is the Rust engine's"),
];

fn is_deviation(step: &Step) -> bool {
    DEVIATIONS.iter().any(|(id, _)| *id == step.id)
}

fn answer(step: &Step) -> super::ConfigInfos {
    let registry = plugins::registry();
    let (properties, nulls) = step.connector_properties();
    validate_connector_config_with_nulls(&registry, &worker(), &properties, &nulls).expect("there is an answer")
}

#[test]
fn every_validation_equals_the_golden_answer() {
    for probe in ["P4", "P5", "P6"] {
        for step in steps(probe).iter().filter(|step| step.status == 200 && !is_deviation(step)) {
            golden::assert_same(&step.id, &infos_json(&answer(step)), step.json());
        }
    }
}

#[test]
fn a_class_is_shown_under_the_name_that_was_given() {
    let all = steps("D24");
    for step in all.iter().filter(|step| step.status == 200) {
        golden::assert_same(&step.id, &infos_json(&answer(step)), step.json());
    }
}

#[test]
fn a_refusal_has_the_golden_message() {
    let mut compared = 0;
    for probe in ["D7", "D8", "D10", "D14", "D32"] {
        for step in steps(probe).iter().filter(|step| !is_deviation(step)) {
            let Some(message) = step.invalid_message() else { continue };
            if step.is_create() {
                assert_eq!(answer(step).error_message().as_deref(), Some(message), "{}", step.id);
                compared += 1;
            }
        }
    }
    assert!(compared >= 19, "{compared}");
}

#[test]
fn the_keys_of_a_plugin_equal_the_golden_answer() {
    let registry = plugins::registry();
    for probe in ["P2", "P3"] {
        for step in steps(probe).iter().filter(|step| step.status == 200) {
            let name = step.request.trim_start_matches("GET /connector-plugins/").trim_end_matches("/config");
            let keys = plugin_config(&registry, name).unwrap_or_else(|| panic!("{name} is known"));
            golden::assert_same(&step.id, &keys_json(&keys), step.json());
        }
    }
    assert_eq!(plugin_config(&registry, "Nope"), None);
}

#[test]
fn the_list_of_plugins_equals_the_golden_answer() {
    let registry = plugins::registry();
    for (step, connectors_only) in steps("P1").iter().zip([true, false]) {
        let ours = registry.list(connectors_only).into_iter().map(
            |desc| serde_json::json!({"class": desc.class, "type": desc.plugin_type.name(), "version": desc.version}),
        );
        golden::assert_same(&step.id, &ours.collect(), step.json());
    }
}

#[test]
fn without_a_connector_class_the_message_shows_the_map_in_javas_order() {
    let registry = plugins::registry();
    let mut compared = 0;
    for probe in ["D7", "D14", "D24", "X3"] {
        for step in steps(probe) {
            let text = step.message().unwrap_or_default();
            let Some(at) = text.find("Connector config {") else { continue };
            let Some((properties, nulls)) = step.properties_without_class() else { continue };
            let error =
                validate_connector_config_with_nulls(&registry, &worker(), &properties, &nulls).expect_err("no class");
            assert_eq!(error.message(), &text[at..], "{}", step.id);
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
}
