// One Elasticsearch node for tests, in this process: on free loopback ports, with
// its data in a folder. Prints its address in one line once it answers, and ends
// when its standard input does, so that it never outlives who started it.
import java.util.List;
import java.util.Map;
import org.elasticsearch.analysis.common.CommonAnalysisPlugin;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.painless.PainlessPlugin;
import org.elasticsearch.transport.Netty4Plugin;

public final class Elasticsearch {
    // The constructor that takes plugins as classes is for subclasses.
    private static final class LocalNode extends Node {
        LocalNode(Settings settings) {
            super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "test"),
                List.of(Netty4Plugin.class, CommonAnalysisPlugin.class, PainlessPlugin.class), false);
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.err.println("usage: Elasticsearch FOLDER");
            System.exit(2);
        }
        Settings settings = Settings.builder()
            .put("path.home", arguments[0])
            .put("network.host", "127.0.0.1")
            .put("http.port", "0").put("http.type", "netty4")
            .put("transport.port", "0").put("transport.type", "netty4")
            .put("discovery.type", "single-node")
            .put("cluster.name", "test").put("node.name", "test")
            .put("cluster.routing.allocation.disk.threshold_enabled", false) // a full disk of a developer is none of its business
            .build();
        try (Node node = new LocalNode(settings).start()) {
            var address = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress();
            System.out.println("http://127.0.0.1:" + address.getPort());
            System.out.flush();
            while (System.in.read() >= 0) {
                // whatever is said, only the end counts
            }
        }
        System.exit(0);
    }
}
