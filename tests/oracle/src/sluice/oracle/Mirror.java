package sluice.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.mirror.MirrorClient;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

/** What applications that move to another cluster ask Kafka's own client of mirrors. */
final class Mirror {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Mirror() {
    }

    static JsonNode ask(JsonNode input) throws Exception {
        Map<String, Object> properties = new HashMap<>();
        input.get("properties").properties().forEach(entry -> properties.put(entry.getKey(), entry.getValue().asText()));
        String alias = input.get("alias").asText();
        String group = input.get("group").asText();
        ObjectNode answer = Oracle.JSON.objectNode();
        try (MirrorClient client = new MirrorClient(properties)) {
            answer.put("hops", client.replicationHops(alias));
            names(answer.putArray("upstream"), client.upstreamClusters());
            names(answer.putArray("remote"), client.remoteTopics(alias));
            names(answer.putArray("checkpoints"), client.checkpointTopics());
            offsets(answer.putObject("client"), client.remoteConsumerOffsets(group, alias, PATIENCE));
        }
        offsets(answer.putObject("utils"), RemoteClusterUtils.translateOffsets(properties, alias, group, PATIENCE));
        return answer;
    }

    private static void names(ArrayNode into, Iterable<String> names) {
        TreeSet<String> sorted = new TreeSet<>();
        names.forEach(sorted::add);
        sorted.forEach(into::add);
    }

    private static void offsets(ObjectNode into, Map<TopicPartition, OffsetAndMetadata> offsets) {
        offsets.forEach((partition, offset) -> into.put(partition.toString(), offset.offset()));
    }
}
