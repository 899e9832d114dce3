package org.ttame.cli;

import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.engine.NativeBinary;
import org.ttame.core.engine.Precision;
import org.ttame.core.provenance.BuildInfo;

/** {@code ttame version}. */
final class VersionCommand implements Command {
  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "version",
        "version, git commit, backend, the native binary chosen and why",
        null,
        List.of(),
        CommonOptions.COMPUTING,
        "ttame version",
        List.of(
            "-Dttame.native=onednn-avx512|onednn-avx2|plain before -jar overrides the choice of"
                + " native binary."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Engine.Settings settings = Engine.Settings.parse(arguments);
    return console -> {
      BuildInfo build = BuildInfo.current();
      console.result("ttame " + build.version());
      console.result("commit " + build.commit() + (build.dirty() ? ", with local changes" : ""));
      Engine engine = Engine.start(settings, console);
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
              Runtime.getRuntime().maxMemory() >> 20));
    };
  }
}
