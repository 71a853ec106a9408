package sluice.oracle;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;

/** Reads requests from stdin and answers them on stdout, one JSON line each. The format is in tests/oracle/README.md. */
public final class Oracle {
    static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final ObjectMapper MAPPER = mapper();

    private Oracle() {
    }

    private static ObjectMapper mapper() {
        ObjectMapper mapper = new ObjectMapper();
        mapper.getFactory().setStreamReadConstraints(StreamReadConstraints.builder()
                .maxNestingDepth(100_000).maxStringLength(Integer.MAX_VALUE).maxNumberLength(1_000_000).build());
        return mapper;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
        FileOutputStream stdout = new FileOutputStream(FileDescriptor.out);
        Writer out = new BufferedWriter(new OutputStreamWriter(stdout, StandardCharsets.UTF_8), 1 << 16);
        // Whatever a library prints must not get between the answers.
        System.setOut(System.err);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.write(MAPPER.writeValueAsString(answer(line)));
            out.write('\n');
            if (!in.ready()) {
                out.flush();
            }
        }
        out.flush();
    }

    private static ObjectNode answer(String line) {
        try {
            return answer(MAPPER.readTree(line));
        } catch (Throwable error) {
            return Failure.of(error, "input").json();
        }
    }

    private static ObjectNode answer(JsonNode request) throws Exception {
        String op = request.path("op").asText();
        switch (op) {
            case "transform":
                return each(request.get("records"), Transforms.chain(request.get("steps"))::apply);
            case "predicate":
                return each(request.get("records"), Transforms.predicate(request)::test);
            case "fromConnect":
                return each(request.get("cases"), Converters.of(request)::fromConnect);
            case "toConnect":
                return each(request.get("cases"), Converters.of(request)::toConnect);
            case "mirror":
                return each(request.get("cases"), Mirror::ask);
            case "parseString":
                return each(request.get("cases"), Strings::parse);
            case "convertToString":
                return each(request.get("cases"), Strings::convert);
            default:
                throw new IllegalArgumentException("unknown op: " + op);
        }
    }

    /** What is done with one record or case. */
    interface Step {
        JsonNode of(JsonNode input) throws Exception;
    }

    private static ObjectNode each(JsonNode inputs, Step step) {
        ArrayNode results = JSON.arrayNode();
        for (JsonNode input : inputs) {
            results.add(one(input, step));
        }
        ObjectNode answer = JSON.objectNode();
        answer.set("results", results);
        return answer;
    }

    private static ObjectNode one(JsonNode input, Step step) {
        try {
            ObjectNode result = JSON.objectNode();
            result.set("ok", step.of(input));
            return result;
        } catch (Throwable error) {
            return Failure.of(error, "apply").json();
        }
    }
}
