package sluice.oracle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** An exception with the moment it came from: {@code configure}, {@code apply} or {@code input}. */
final class Failure extends Exception {
    private static final long serialVersionUID = 1L;
    private static final int MOST_CAUSES = 10;
    private final String at;

    private Failure(Throwable cause, String at) {
        super(cause);
        this.at = at;
    }

    /** What was thrown, keeping the moment when it is known already. */
    static Failure of(Throwable error, String at) {
        return error instanceof Failure ? (Failure) error : new Failure(error, at);
    }

    /** Something that can throw. */
    interface Work<T> {
        T run() throws Exception;
    }

    /** Runs {@code work}; what it throws is of the moment {@code at}. */
    static <T> T during(String at, Work<T> work) throws Failure {
        try {
            return work.run();
        } catch (Throwable error) {
            throw of(error, at);
        }
    }

    ObjectNode json() {
        ObjectNode error = one(getCause()).put("at", at);
        ArrayNode causes = error.putArray("causes");
        for (Throwable cause = getCause().getCause(); cause != null && causes.size() < MOST_CAUSES; cause = cause.getCause()) {
            causes.add(one(cause));
        }
        ObjectNode answer = Oracle.JSON.objectNode();
        answer.set("error", error);
        return answer;
    }

    private static ObjectNode one(Throwable error) {
        return Oracle.JSON.objectNode().put("class", error.getClass().getName()).put("message", error.getMessage());
    }
}
