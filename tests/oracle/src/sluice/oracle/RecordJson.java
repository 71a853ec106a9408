package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;

/** Source and sink records from and to JSON. */
final class RecordJson {
    private RecordJson() {
    }

    static ConnectRecord<?> read(JsonNode json) {
        String topic = json.hasNonNull("topic") ? json.get("topic").asText() : null;
        Integer partition = json.hasNonNull("partition") ? json.get("partition").intValue() : null;
        Schema keySchema = SchemaJson.read(json.get("keySchema"));
        Object key = ValueJson.read(json.get("key"), keySchema);
        Schema valueSchema = SchemaJson.read(json.get("valueSchema"));
        Object value = ValueJson.read(json.get("value"), valueSchema);
        Long timestamp = json.hasNonNull("timestamp") ? json.get("timestamp").longValue() : null;
        Headers headers = headers(json.get("headers"));
        if (json.get("kind").asText().equals("source")) {
            return new SourceRecord(Collections.singletonMap("p", "x"), Collections.singletonMap("o", 1L), topic, partition,
                    keySchema, key, valueSchema, value, timestamp, headers);
        }
        long offset = json.path("offset").longValue();
        TimestampType timestampType = TimestampType.valueOf(json.path("timestampType").asText("NO_TIMESTAMP_TYPE"));
        String originalTopic = json.hasNonNull("originalTopic") ? json.get("originalTopic").asText() : topic;
        Integer originalPartition = json.hasNonNull("originalPartition") ? json.get("originalPartition").intValue() : partition;
        return new SinkRecord(topic, partition, keySchema, key, valueSchema, value, offset, timestamp, timestampType, headers,
                originalTopic, originalPartition, offset);
    }

    private static Headers headers(JsonNode json) {
        ConnectHeaders headers = new ConnectHeaders();
        if (json != null) {
            for (JsonNode header : json) {
                Schema schema = SchemaJson.read(header.get("schema"));
                headers.add(header.get("key").asText(), ValueJson.read(header.get("value"), schema), schema);
            }
        }
        return headers;
    }

    static JsonNode write(ConnectRecord<?> record) {
        if (record == null) {
            return Oracle.JSON.nullNode();
        }
        ObjectNode json = Oracle.JSON.objectNode();
        json.put("kind", record instanceof SinkRecord ? "sink" : "source");
        json.put("topic", record.topic());
        json.put("partition", record.kafkaPartition());
        json.set("keySchema", SchemaJson.write(record.keySchema()));
        json.set("key", ValueJson.write(record.key(), record.keySchema()));
        json.set("valueSchema", SchemaJson.write(record.valueSchema()));
        json.set("value", ValueJson.write(record.value(), record.valueSchema()));
        json.put("timestamp", record.timestamp());
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            ObjectNode one = headers.addObject().put("key", header.key());
            one.set("schema", SchemaJson.write(header.schema()));
            one.set("value", ValueJson.write(header.value(), header.schema()));
        }
        if (record instanceof SinkRecord) {
            SinkRecord sink = (SinkRecord) record;
            json.put("offset", sink.kafkaOffset()).put("timestampType", sink.timestampType().name());
            json.put("originalTopic", sink.originalTopic()).put("originalPartition", sink.originalKafkaPartition());
        }
        return json;
    }
}
