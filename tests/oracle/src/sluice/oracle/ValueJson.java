package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Typed values from and to JSON; {@code schema} is what the place asks for, null where it asks for nothing. */
final class ValueJson {
    private ValueJson() {
    }

    static Object read(JsonNode json, Schema schema) {
        if (json == null || json.isNull()) {
            return null;
        }
        if (json.isBoolean()) {
            return json.booleanValue();
        }
        if (json.isTextual()) {
            return json.textValue();
        }
        if (json.has("struct")) {
            return struct(json.get("struct"), json.has("schema") ? SchemaJson.read(json.get("schema")) : schema);
        }
        Map.Entry<String, JsonNode> only = json.properties().iterator().next();
        return tagged(only.getKey(), only.getValue(), schema);
    }

    private static Object tagged(String tag, JsonNode value, Schema schema) {
        switch (tag) {
            case "i8":
                return (byte) value.intValue();
            case "i16":
                return (short) value.intValue();
            case "i32":
                return value.intValue();
            case "i64":
                return value.longValue();
            case "f32":
                return Float.parseFloat(value.textValue());
            case "f64":
                return Double.parseDouble(value.textValue());
            case "bytes":
                return Base64.getDecoder().decode(value.textValue());
            case "buffer":
                return ByteBuffer.wrap(Base64.getDecoder().decode(value.textValue()));
            case "decimal":
                return new BigDecimal(value.textValue());
            case "date":
                return new java.util.Date(value.longValue());
            case "array":
                return array(value, schema);
            case "map":
                return map(new LinkedHashMap<>(), value, schema);
            case "hashmap":
                return map(new HashMap<>(), value, schema);
            default:
                throw new IllegalArgumentException("unknown value tag: " + tag);
        }
    }

    private static Object array(JsonNode items, Schema schema) {
        Schema of = schema != null && schema.type() == Schema.Type.ARRAY ? schema.valueSchema() : null;
        List<Object> list = new ArrayList<>();
        items.forEach(item -> list.add(read(item, of)));
        return list;
    }

    private static Object map(Map<Object, Object> map, JsonNode entries, Schema schema) {
        boolean typed = schema != null && schema.type() == Schema.Type.MAP;
        Schema keys = typed ? schema.keySchema() : null;
        Schema values = typed ? schema.valueSchema() : null;
        entries.forEach(entry -> map.put(read(entry.get(0), keys), read(entry.get(1), values)));
        return map;
    }

    private static Struct struct(JsonNode values, Schema schema) {
        if (schema == null) {
            throw new IllegalArgumentException("a struct needs a schema");
        }
        Struct struct = new Struct(schema);
        for (Field field : schema.fields()) {
            Object value = read(values.get(field.index()), field.schema());
            if (value != null) {
                struct.put(field, value);
            }
        }
        return struct;
    }

    static JsonNode write(Object value, Schema schema) {
        if (value == null) {
            return Oracle.JSON.nullNode();
        }
        if (value instanceof Boolean) {
            return Oracle.JSON.booleanNode((Boolean) value);
        }
        if (value instanceof String) {
            return text((String) value);
        }
        if (value instanceof Struct) {
            Struct struct = (Struct) value;
            ObjectNode json = values(struct);
            if (!struct.schema().equals(schema)) {
                json.set("schema", SchemaJson.write(struct.schema()));
            }
            return json;
        }
        return tagged(value, schema);
    }

    /** As {@link #write}; a default struct's schema is the builder that the default is in, so it is left out. */
    static JsonNode writeDefault(Object value, Schema schema) {
        return value instanceof Struct ? values((Struct) value) : write(value, schema);
    }

    private static ObjectNode values(Struct struct) {
        ObjectNode json = Oracle.JSON.objectNode();
        ArrayNode values = json.putArray("struct");
        for (Field field : struct.schema().fields()) {
            values.add(write(struct.getWithoutDefault(field.name()), field.schema()));
        }
        return json;
    }

    private static JsonNode text(String text) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            return Oracle.JSON.textNode(text);
        }
        ByteBuffer units = ByteBuffer.allocate(2 * text.length());
        text.chars().forEach(unit -> units.putChar((char) unit));
        return Oracle.JSON.objectNode().put("utf16", Base64.getEncoder().encodeToString(units.array()));
    }

    private static JsonNode tagged(Object value, Schema schema) {
        ObjectNode json = Oracle.JSON.objectNode();
        if (value instanceof Byte) {
            return json.put("i8", (Byte) value);
        } else if (value instanceof Short) {
            return json.put("i16", (Short) value);
        } else if (value instanceof Integer) {
            return json.put("i32", (Integer) value);
        } else if (value instanceof Long) {
            return json.put("i64", (Long) value);
        } else if (value instanceof Float) {
            return json.put("f32", value.toString());
        } else if (value instanceof Double) {
            return json.put("f64", value.toString());
        } else if (value instanceof byte[]) {
            return json.put("bytes", Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof ByteBuffer) {
            return json.put("bytes", Base64.getEncoder().encodeToString(contents((ByteBuffer) value)));
        } else if (value instanceof BigDecimal) {
            return json.put("decimal", value.toString());
        } else if (value instanceof java.util.Date) {
            return json.put("date", ((java.util.Date) value).getTime());
        } else if (value instanceof List) {
            return list(json, (List<?>) value, schema);
        } else if (value instanceof Map) {
            return map(json, (Map<?, ?>) value, schema);
        }
        return json.put("java", value.getClass().getName()).put("text", value.toString());
    }

    private static byte[] contents(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static JsonNode list(ObjectNode json, List<?> items, Schema schema) {
        Schema of = schema != null && schema.type() == Schema.Type.ARRAY ? schema.valueSchema() : null;
        ArrayNode array = json.putArray("array");
        items.forEach(item -> array.add(write(item, of)));
        return json;
    }

    private static JsonNode map(ObjectNode json, Map<?, ?> map, Schema schema) {
        boolean typed = schema != null && schema.type() == Schema.Type.MAP;
        Schema keys = typed ? schema.keySchema() : null;
        Schema values = typed ? schema.valueSchema() : null;
        ArrayNode entries = json.putArray("map");
        map.forEach((key, value) -> entries.addArray().add(write(key, keys)).add(write(value, values)));
        return json;
    }
}
