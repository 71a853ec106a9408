package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;

/** A configured converter of keys, values or headers. */
final class Converters {
    private static final Map<String, Converters> KEPT = new HashMap<>();
    private final Converter converter;
    private final HeaderConverter headerConverter;

    private Converters(Converter converter, HeaderConverter headerConverter) {
        this.converter = converter;
        this.headerConverter = headerConverter;
    }

    /** The converter of a request: a new one, or one that an earlier request kept. */
    static Converters of(JsonNode request) throws Failure {
        if (!request.hasNonNull("keep")) {
            return Failure.during("configure", () -> made(request));
        }
        String name = request.get("keep").asText();
        Converters kept = KEPT.get(name);
        if (kept == null) {
            kept = Failure.during("configure", () -> made(request));
            KEPT.put(name, kept);
        }
        return kept;
    }

    private static Converters made(JsonNode request) throws Exception {
        Object instance = Transforms.instance(request.get("class").asText());
        Map<String, Object> config = Transforms.config(request);
        String use = request.path("use").asText("value");
        if (use.equals("header")) {
            config.putIfAbsent("converter.type", "header");
            HeaderConverter converter = (HeaderConverter) instance;
            converter.configure(config);
            return new Converters(null, converter);
        }
        Converter converter = (Converter) instance;
        converter.configure(config, use.equals("key"));
        return new Converters(converter, null);
    }

    JsonNode fromConnect(JsonNode input) throws Exception {
        Schema schema = Failure.during("input", () -> SchemaJson.read(input.get("schema")));
        Object value = Failure.during("input", () -> ValueJson.read(input.get("value"), schema));
        String topic = input.path("topic").asText();
        if (headerConverter != null) {
            return base64(headerConverter.fromConnectHeader(topic, input.path("key").asText(), schema, value));
        }
        if (!input.has("headers")) {
            return base64(converter.fromConnectData(topic, schema, value));
        }
        Headers headers = headers(input.get("headers"));
        return withHeaders(base64(converter.fromConnectData(topic, headers, schema, value)), headers);
    }

    JsonNode toConnect(JsonNode input) throws Exception {
        byte[] bytes = Failure.during("input", () -> bytes(input.get("bytes")));
        String topic = input.path("topic").asText();
        if (headerConverter != null) {
            return Strings.json(headerConverter.toConnectHeader(topic, input.path("key").asText(), bytes));
        }
        if (!input.has("headers")) {
            return Strings.json(converter.toConnectData(topic, bytes));
        }
        Headers headers = headers(input.get("headers"));
        SchemaAndValue read = converter.toConnectData(topic, headers, bytes);
        return withHeaders(Strings.json(read), headers);
    }

    private static Headers headers(JsonNode json) {
        RecordHeaders headers = new RecordHeaders();
        json.forEach(header -> headers.add(header.get(0).asText(), bytes(header.get(1))));
        return headers;
    }

    private static JsonNode withHeaders(JsonNode result, Headers headers) {
        ObjectNode json = Oracle.JSON.objectNode();
        json.set("result", result);
        ArrayNode list = json.putArray("headers");
        for (Header header : headers) {
            list.addArray().add(header.key()).add(base64(header.value()));
        }
        return json;
    }

    private static byte[] bytes(JsonNode json) {
        return json == null || json.isNull() ? null : Base64.getDecoder().decode(json.textValue());
    }

    private static JsonNode base64(byte[] bytes) {
        return bytes == null ? Oracle.JSON.nullNode() : Oracle.JSON.textNode(Base64.getEncoder().encodeToString(bytes));
    }
}
