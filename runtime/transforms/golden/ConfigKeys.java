import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.runtime.AbstractHerder;

/** Prints the keys of the classes that are named as arguments, as `GET /connector-plugins/CLASS/config` answers them. */
public class ConfigKeys {
    public static void main(String[] classes) throws Exception {
        Method convert = AbstractHerder.class.getDeclaredMethod("convertConfigKey", ConfigDef.ConfigKey.class);
        convert.setAccessible(true);
        ObjectMapper json = new ObjectMapper();
        StringBuilder out = new StringBuilder("{\n");
        for (int at = 0; at < classes.length; at++) {
            Object plugin = Class.forName(classes[at]).getDeclaredConstructor().newInstance();
            ConfigDef definition = (ConfigDef) plugin.getClass().getMethod("config").invoke(plugin);
            List<Map<String, Object>> keys = new ArrayList<>();
            for (ConfigDef.ConfigKey key : definition.configKeys().values()) {
                Map<String, Object> shown = json.convertValue(convert.invoke(null, key), LinkedHashMap.class);
                shown.put("documentation", "<prose>");
                keys.add(shown);
            }
            out.append("  \"").append(classes[at]).append("\": [");
            for (int key = 0; key < keys.size(); key++) {
                out.append(key == 0 ? "\n    " : ",\n    ").append(json.writeValueAsString(keys.get(key)));
            }
            out.append(keys.isEmpty() ? "]" : "\n  ]").append(at + 1 < classes.length ? ",\n" : "\n");
        }
        System.out.print(out.append("}\n"));
    }
}
