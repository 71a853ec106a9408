//! Config providers: what is stored and shown of a configuration with variables.

use super::words::{LINES, configured, create, get, named, quietly, send, source, state, steps, then_removed};
use crate::probe::step::{Probe, Step};

const WORKER: &[(&str, &str)] = &[
    ("config.providers", "file,dir,env"),
    ("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
    ("config.providers.dir.class", "org.apache.kafka.common.config.provider.DirectoryConfigProvider"),
    ("config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"),
    ("config.providers.env.param.allowlist.pattern", "NOBODY_SETS_THIS"),
];

const VALUES: Step = Step::File("values.properties", "topic=x7-topic\nclass=FileStreamSource\nmany=100\n");

pub(super) fn probes() -> Vec<Probe> {
    vec![configured("X7", "variables of config providers", WORKER, variables())]
}

fn variables() -> Vec<Step> {
    let variable = |key: &str| format!("${{file:{{dir}}/values.properties:{key}}}");
    let topic = variable("topic");
    let more =
        format!(",\"batch.size\":\"{}\",\"text\":\"<${{dir:{{dir}}:lines.txt}}> ${{env:PATH}}\"", variable("many"));
    let validate = |topic: &str| {
        let body = format!("{{\"connector.class\":\"FileStreamSource\",\"name\":\"x7\",\"topic\":\"{topic}\"}}");
        send("PUT", "/connector-plugins/FileStreamSource/config/validate", &body)
    };
    let unreadable = "${file:{dir}/nothing.properties:topic}";
    steps([
        vec![LINES, VALUES, create(&named("x7", &source(&topic, &more))), state("x7", "RUNNING", 1)],
        vec![get("/connectors/x7"), get("/connectors/x7/config"), get("/connectors/x7/tasks"), Step::Dump("created")],
        then_removed(vec![quietly("PUT", "/connectors/x7/pause", 202)], "x7"),
        vec![
            validate("${file:{dir}/values.properties:nobody}"),
            validate("${vault:a:b} ${file:plain} ${dir:/no/such/folder:x}"),
            validate(unreadable),
            validate("${env:/a/path:HOME}"),
            create(&named("x7", &source(unreadable, ""))),
            send("PUT", "/connectors/x7/config", &source("${file:{dir}:topic}", "")),
            get("/connector-plugins/FileConfigProvider/config"),
            get("/connector-plugins/org.apache.kafka.common.config.provider.EnvVarConfigProvider/config"),
        ],
    ])
}
