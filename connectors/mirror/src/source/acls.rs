//! Access rules that come along: who may read here may read there. Nobody but the mirror writes to copied topics.

use sluice_kafka::wire::AclBinding;

use crate::config::SourceConfig;

const LITERAL: i8 = 3;
const ALLOW: i8 = 3;
const ALL: i8 = 2;
const READ: i8 = 3;
const WRITE: i8 = 4;

impl SourceConfig {
    /// The rules of the target that follow from those of the source. Rules for beginnings of names stay where they are.
    pub(super) fn remote_acls(&self, bindings: &[AclBinding]) -> Vec<AclBinding> {
        let copied = bindings.iter().filter(|rule| rule.pattern == LITERAL && self.copies(&rule.topic));
        let copied = copied.filter(|rule| !(rule.permission == ALLOW && rule.operation == WRITE));
        let remote = |rule: &AclBinding| AclBinding {
            topic: self.remote(&rule.topic),
            operation: if rule.permission == ALLOW && rule.operation == ALL { READ } else { rule.operation },
            ..rule.clone()
        };
        copied.map(remote).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(topic: &str, pattern: i8, operation: i8, permission: i8) -> AclBinding {
        AclBinding {
            topic: topic.to_owned(),
            pattern,
            principal: "User:u".to_owned(),
            host: "*".to_owned(),
            operation,
            permission,
        }
    }

    #[test]
    fn everything_becomes_reading_and_writing_stays_behind() {
        let keys = [("source.cluster.alias".to_owned(), "A".to_owned())];
        let config = SourceConfig::parse(&keys.into()).expect("valid");
        let rules = [
            rule("t", LITERAL, ALL, ALLOW),
            rule("t", LITERAL, WRITE, ALLOW),
            rule("t", LITERAL, WRITE, 2),
            rule("t", 4, READ, ALLOW),
            rule("__x", LITERAL, READ, ALLOW),
        ];
        assert_eq!(config.remote_acls(&rules), [rule("A.t", LITERAL, READ, ALLOW), rule("A.t", LITERAL, WRITE, 2)]);
    }
}
