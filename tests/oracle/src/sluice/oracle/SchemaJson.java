package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;

/** Schemas from and to JSON. */
final class SchemaJson {
    private static final int MOST_REMEMBERED = 1000;
    /** A schema that is read again is the same object, as it is for the records of one topic. */
    private static final Map<String, Schema> REMEMBERED = new HashMap<>();

    private SchemaJson() {
    }

    static Schema read(JsonNode json) {
        if (json == null || json.isNull()) {
            return null;
        }
        // The text, because the order of parameters matters and equality of nodes ignores it.
        String text = json.toString();
        Schema known = REMEMBERED.get(text);
        if (known != null) {
            return known;
        }
        Schema schema = json.isTextual() ? plain(json.asText()) : full(json);
        if (REMEMBERED.size() >= MOST_REMEMBERED) {
            REMEMBERED.clear();
        }
        REMEMBERED.put(text, schema);
        return schema;
    }

    private static Schema plain(String text) {
        boolean optional = text.endsWith("?");
        Schema.Type type = Schema.Type.valueOf(optional ? text.substring(0, text.length() - 1) : text);
        SchemaBuilder builder = SchemaBuilder.type(type);
        return (optional ? builder.optional() : builder.required()).build();
    }

    private static Schema full(JsonNode json) {
        Schema.Type type = Schema.Type.valueOf(json.get("type").asText());
        Schema key = read(json.get("key"));
        Schema value = read(json.get("value"));
        boolean parts = type == Schema.Type.ARRAY ? value != null : key != null && value != null;
        if (!parts && (type == Schema.Type.ARRAY || type == Schema.Type.MAP)) {
            return new ConnectSchema(type, json.path("optional").asBoolean(), null, text(json, "name"), version(json),
                    text(json, "doc"), parameters(json), null, key, value);
        }
        SchemaBuilder builder = type == Schema.Type.ARRAY ? SchemaBuilder.array(value)
                : type == Schema.Type.MAP ? SchemaBuilder.map(key, value) : SchemaBuilder.type(type);
        return attributes(builder, json).build();
    }

    private static SchemaBuilder attributes(SchemaBuilder builder, JsonNode json) {
        if (json.path("optional").asBoolean()) {
            builder.optional();
        } else {
            builder.required();
        }
        builder.name(text(json, "name")).version(version(json)).doc(text(json, "doc"));
        Map<String, String> parameters = parameters(json);
        if (parameters != null) {
            builder.parameters(parameters);
        }
        for (JsonNode field : json.path("fields")) {
            builder.field(field.get("name").asText(), read(field.get("schema")));
        }
        if (json.hasNonNull("default")) {
            JsonNode value = json.get("default");
            // A default struct must be made on the builder itself; every other value needs the schema as it will be.
            Schema schema = builder.type() == Schema.Type.STRUCT ? builder : builder.build();
            builder.defaultValue(ValueJson.read(value, schema));
        }
        return builder;
    }

    private static String text(JsonNode json, String key) {
        return json.hasNonNull(key) ? json.get(key).asText() : null;
    }

    private static Integer version(JsonNode json) {
        return json.hasNonNull("version") ? json.get("version").intValue() : null;
    }

    private static Map<String, String> parameters(JsonNode json) {
        if (!json.hasNonNull("parameters")) {
            return null;
        }
        Map<String, String> parameters = new LinkedHashMap<>();
        json.get("parameters").properties().forEach(entry -> parameters.put(entry.getKey(), entry.getValue().asText()));
        return parameters;
    }

    static JsonNode write(Schema schema) {
        if (schema == null) {
            return Oracle.JSON.nullNode();
        }
        if (isPlain(schema)) {
            return Oracle.JSON.textNode(schema.type() + (schema.isOptional() ? "?" : ""));
        }
        ObjectNode json = Oracle.JSON.objectNode().put("type", schema.type().name());
        if (schema.isOptional()) {
            json.put("optional", true);
        }
        putText(json, "name", schema.name());
        if (schema.version() != null) {
            json.put("version", schema.version());
        }
        putText(json, "doc", schema.doc());
        if (schema.parameters() != null) {
            ObjectNode parameters = json.putObject("parameters");
            schema.parameters().forEach(parameters::put);
        }
        parts(json, schema);
        if (schema.defaultValue() != null) {
            json.set("default", ValueJson.writeDefault(schema.defaultValue(), schema));
        }
        return json;
    }

    private static void parts(ObjectNode json, Schema schema) {
        if (schema.type() == Schema.Type.STRUCT) {
            ArrayNode fields = json.putArray("fields");
            for (Field field : schema.fields()) {
                fields.addObject().put("name", field.name()).set("schema", write(field.schema()));
            }
        }
        if (schema.type() == Schema.Type.MAP && schema.keySchema() != null) {
            json.set("key", write(schema.keySchema()));
        }
        boolean elements = schema.type() == Schema.Type.MAP || schema.type() == Schema.Type.ARRAY;
        if (elements && schema.valueSchema() != null) {
            json.set("value", write(schema.valueSchema()));
        }
    }

    private static boolean isPlain(Schema schema) {
        return schema.type().isPrimitive() && schema.name() == null && schema.version() == null && schema.doc() == null
                && schema.parameters() == null && schema.defaultValue() == null;
    }

    private static void putText(ObjectNode json, String key, String text) {
        if (text != null) {
            json.put(key, text);
        }
    }
}
