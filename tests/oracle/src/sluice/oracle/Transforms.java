package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** Transformations and predicates, applied as the worker applies them. */
@SuppressWarnings({"unchecked", "rawtypes"})
final class Transforms {
    private Transforms() {
    }

    /** A transformation with the predicate that guards it. */
    private record Stage(Transformation transformation, Predicate predicate, boolean negate) {
        ConnectRecord apply(ConnectRecord record) {
            boolean applies = predicate == null || negate ^ predicate.test(record);
            return applies ? transformation.apply(record) : record;
        }
    }

    /** Stages in order; a record that one drops does not reach the next. */
    static final class Chain {
        private final List<Stage> stages = new ArrayList<>();

        JsonNode apply(JsonNode input) throws Exception {
            ConnectRecord record = Failure.during("input", () -> RecordJson.read(input));
            for (Stage stage : stages) {
                if (record != null) {
                    record = stage.apply(record);
                }
            }
            return RecordJson.write(record);
        }
    }

    static Chain chain(JsonNode steps) throws Failure {
        Chain chain = new Chain();
        for (JsonNode step : steps) {
            Transformation transformation = Failure.during("configure", () -> {
                Transformation made = (Transformation) instance(step.get("class").asText());
                made.configure(config(step));
                return made;
            });
            Predicate predicate = step.hasNonNull("predicate") ? made(step.get("predicate")) : null;
            chain.stages.add(new Stage(transformation, predicate, step.path("negate").asBoolean()));
        }
        return chain;
    }

    /** A predicate on its own. */
    record Test(Predicate predicate) {
        JsonNode test(JsonNode input) throws Exception {
            ConnectRecord record = Failure.during("input", () -> RecordJson.read(input));
            return Oracle.JSON.booleanNode(predicate.test(record));
        }
    }

    static Test predicate(JsonNode request) throws Failure {
        return new Test(made(request));
    }

    private static Predicate made(JsonNode json) throws Failure {
        return Failure.during("configure", () -> {
            Predicate predicate = (Predicate) instance(json.get("class").asText());
            predicate.configure(config(json));
            return predicate;
        });
    }

    static Object instance(String name) throws ReflectiveOperationException {
        return Class.forName(name).getDeclaredConstructor().newInstance();
    }

    static Map<String, Object> config(JsonNode json) {
        Map<String, Object> config = new HashMap<>();
        json.path("config").properties().forEach(
                entry -> config.put(entry.getKey(), entry.getValue().isNull() ? null : entry.getValue().asText()));
        return config;
    }
}
