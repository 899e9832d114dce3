package org.ttame.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.engine.NativeBinary;
import org.ttame.core.engine.Precision;
import org.ttame.core.provenance.BuildInfo;

/** {@code ttame version}. */
final class VersionCommand implements Command {
  private static final OptionSpec JSON = OptionSpec.flag("json", "print one JSON object");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "version",
        "prints version, git commit, backend, and the native binary chosen and why",
        null,
        List.of(JSON),
        CommonOptions.COMPUTING,
        "ttame version",
        List.of(
            "-Dttame.native=onednn-avx512|onednn-avx2|plain before -jar overrides the choice of"
                + " native binary."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Engine.Settings settings = Engine.Settings.parse(arguments);
    boolean json = arguments.has(JSON);
    return console -> {
      BuildInfo build = BuildInfo.current();
      if (!json) {
        console.result("ttame " + build.version());
        console.result("commit " + build.commit() + (build.dirty() ? ", with local changes" : ""));
      }
      Engine engine = Engine.start(settings, console);
      if (json) {
        console.result(json(build, engine));
        return;
      }
      console.result(Text.format("backend ND4J %s on %s", build.nd4j(), engine.backend()));
      console.result("native binary " + engine.describeBinary());
      console.result("processor " + Precision.Hardware.here());
      console.result(
          Text.format("threads %d, waiting %s", engine.threads(), NativeBinary.waiting()));
      console.result(
          Text.format(
              "java %s, %s, %s %s, heap limit %d MiB",
              Runtime.version(),
              System.getProperty("java.vendor"),
              System.getProperty("os.name"),
              System.getProperty("os.arch"),
              heapLimit()));
    };
  }

  private static ObjectNode json(BuildInfo build, Engine engine) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("format", 1)
        .put("version", build.version())
        .put("commit", build.commit())
        .put("local_changes", build.dirty())
        .put("nd4j", build.nd4j())
        .put("backend", engine.backend())
        .put("native", engine.describeBinary())
        .put("processor", Precision.Hardware.here().toString())
        .put("threads", engine.threads())
        .put("waiting", NativeBinary.waiting())
        .put("java", Runtime.version().toString())
        .put("platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
        .put("heap_limit_mib", heapLimit());
  }

  private static long heapLimit() {
    return Runtime.getRuntime().maxMemory() >> 20;
  }
}
