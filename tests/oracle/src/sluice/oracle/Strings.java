package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Values;

/** The text forms of {@code org.apache.kafka.connect.data.Values}. */
final class Strings {
    private Strings() {
    }

    static JsonNode parse(JsonNode input) {
        return json(Values.parseString(input.textValue()));
    }

    static JsonNode convert(JsonNode input) throws Exception {
        Schema schema = Failure.during("input", () -> SchemaJson.read(input.get("schema")));
        Object value = Failure.during("input", () -> ValueJson.read(input.get("value"), schema));
        String text = Values.convertToString(schema, value);
        return text == null ? Oracle.JSON.nullNode() : ValueJson.write(text, null);
    }

    static JsonNode json(SchemaAndValue read) {
        Schema schema = read == null ? null : read.schema();
        ObjectNode json = Oracle.JSON.objectNode();
        json.set("schema", SchemaJson.write(schema));
        json.set("value", ValueJson.write(read == null ? null : read.value(), schema));
        return json;
    }
}
