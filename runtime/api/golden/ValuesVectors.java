import org.apache.kafka.connect.data.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

/** Prints what Values.parseString of the Kafka Connect on the class path makes of fixed and random texts, one line each. */
public class ValuesVectors {
    static final Random R = new Random(11);

    static String hex(String s) {
        StringBuilder b = new StringBuilder();
        for (byte x : s.getBytes(StandardCharsets.UTF_8)) b.append(String.format("%02x", x));
        return b.toString();
    }

    static String describe(Schema s) {
        if (s == null) return "-";
        String name = s.name() == null ? "" : ":" + s.name().substring(s.name().lastIndexOf('.') + 1);
        switch (s.type()) {
            case ARRAY: return "ARRAY<" + describe(s.valueSchema()) + ">";
            case MAP: return "MAP<" + describe(s.keySchema()) + "," + describe(s.valueSchema()) + ">";
            default: return s.type() + name;
        }
    }

    static void line(String text) {
        try {
            SchemaAndValue v = Values.parseString(text);
            if (v == null) System.out.println(hex(text) + "\tnull\t");
            else System.out.println(hex(text) + "\t" + describe(v.schema()) + "\t" + hex("" + Values.convertToString(v.schema(), v.value())));
        } catch (RuntimeException e) {
            System.out.println(hex(text) + "\tTHROWS\t" + hex("" + e.getMessage()));
        }
    }

    static String pick(String... o) { return o[R.nextInt(o.length)]; }

    static String scalar() {
        return pick("1", "-7", "300", "70000", "3000000000", "1.5", "-0.25", "1e3", "300.0", "true", "false", "null", "\"a\"", "\"\"",
            "\"2019-08-23\"", "2019-08-23", "\"14:34:54.346Z\"", "14:34:54.346Z", "\"x,y\"", "\"a\\\"b\"", "abc", "9223372036854775808", "007",
            "2019-08-23T14:34:54.346Z", "\"2019-08-23T14\\:34\\:54.346Z\"", "+5", "1e39", "0.1", "\"\u00e9\"", "\ud83d\ude00");
    }

    static String any(int d) {
        if (d > 2 || R.nextInt(3) == 0) return scalar();
        StringBuilder b = new StringBuilder();
        int n = R.nextInt(4);
        String same = R.nextBoolean() ? scalar() : null;
        if (R.nextBoolean()) {
            b.append("[");
            for (int i = 0; i < n; i++) b.append(i == 0 ? "" : pick(",", ", ", ",")).append(same != null ? same : any(d + 1));
            return b + pick("]", "]", "]", ",]", " ]");
        }
        b.append("{");
        for (int i = 0; i < n; i++) b.append(i == 0 ? "" : pick(",", ", ", " ")).append(scalar()).append(pick(":", " : ", ":")).append(same != null ? same : any(d + 1));
        return b + "}";
    }

    public static void main(String[] args) {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        String[] fixed = {" ", "  ", "null", " null ", "NULL", "true", "TRUE", " true ", "true}", "1,2", "12:30", "[1]x", "{\"a\":1}x", "1 2", "5-", "1e", ".5", "1L",
            "0x10", "1_000", "1.0", "300.0", "1e3", "1.00000000001", "1e-400", "1e19", "12345678901234567890.5", "1e39", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1E400", "[1,2,]", "[,1]", "[1,,2]", "[1 2]", "[]", "{}", "[null]", "[null,null]", "[1,null]",
            "{\"a\":1,\"b\":null}", "{\"a\":null}", "{\"a\":1 \"b\":2}", "{\"a\":1,}", "{a:1}", "{null:1}", "{1:2,300:4}", "[1,300,70000]", "[1,1.5]", "[9223372036854775808,1]",
            "24:00:00.000Z", "2019-13-45", "2019-08-23", "2019-08-2x", "2019-8-23 ", "1:2:3.4Zxxxxx", "14:34:54.346Z", "14\\:34\\:54.346Z", "2019-08-23T14:34:54.346Z",
            "2019-08-23T14\\:34\\:54.346Z", "[2019-08-23, 100000]", "[100000, 2019-08-23]", "[[1],[\"a\"]]", "[\"  \"]", "[\"a\\\"b\"]", "\"quoted\"", "\"", "\\", "a\\", "[\"a\\\\\"]",
            "{\"a\":[1,{\"b\":2}],\"c\":[]}", "{1:\"a\",\"b\":2}", "{\"a\":1,\"a\":2}", "[true,false]", "[true,1]", "\uffff", "[\uffff", "0001-01-01", "1582-10-04", "1582-10-15", "1970-01-01",
            "1969-12-31", "00:00:00.000Z", "-1:00:00.000Z", "{\"a\":1}", "{[1]:2}", "[\"1\",\"2\"]", "[{}]", "[{},{1:2}]", "- 5", "+", "-", "1 ", " 1", "\t1\n", "[ 1 , 2 ]", "1.", "-.5",
            "{6:9 4:20}", "[\"foo\",\"bar\"] trailing", "foo, bar", "{\"k\" : true}", "000", "-0", "-0.0", "1e-3", "123456.789", "0.1e1", "99.5e1"};
        for (String text : fixed) line(text);
        int count = Integer.parseInt(args[0]);
        for (int i = 0; i < count; i++) {
            String text = any(0);
            if (R.nextInt(4) == 0 && text.length() > 1) {
                int at = R.nextInt(text.length() - 1);
                text = text.substring(0, at) + pick("", "]", "}", ",", "x", "\"", ":", " ", "\\") + text.substring(at + R.nextInt(2));
            }
            line(text);
        }
    }
}
