package org.ttame.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.services.Doctor;

/** {@code ttame doctor}. */
final class DoctorCommand implements Command {
  private static final OptionSpec JSON = OptionSpec.flag("json", "print one JSON object");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "doctor",
        "checks this installation against known-good values, in under a minute",
        null,
        List.of(JSON),
        CommonOptions.COMPUTING,
        "ttame doctor --json > doctor.json",
        List.of(
            "Checks decoders, operators that ND4J is known to get wrong, a small member of each"
                + " family (forward, backward and training), threads and memory. The reference"
                + " values are those of PyTorch (in double precision) and Pillow. Exits with 1 if"
                + " anything differs: do not trust results of this installation then, and please"
                + " report the output."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Engine.Settings settings = Engine.Settings.parse(arguments);
    boolean json = arguments.has(JSON);
    return console -> {
      long began = System.nanoTime();
      Engine engine = Engine.start(settings, console);
      List<Doctor.Check> checks = Doctor.run(console);
      double seconds = (System.nanoTime() - began) / 1e9;
      long wrong = checks.stream().filter(check -> !check.passed()).count();
      if (json) {
        console.result(json(engine, checks, seconds));
      } else {
        print(engine, checks, console);
      }
      if (wrong > 0) {
        throw new WorkFailedException(
            Text.format(
                "%d of %d checks failed: do not trust results of this installation, and please"
                    + " report this output",
                wrong, checks.size()));
      }
      console.note(Text.format("all %d checks passed in %.0f s", checks.size(), seconds));
    };
  }

  private static void print(Engine engine, List<Doctor.Check> checks, Console console) {
    BuildInfo build = BuildInfo.current();
    console.result(
        Text.format(
            "ttame %s, commit %s, ND4J %s on %s, native binary %s",
            build.version(),
            build.commit(),
            build.nd4j(),
            engine.backend(),
            engine.describeBinary()));
    for (Doctor.Check check : checks) {
      console.result(
          Text.format(
              "%-5s %s: expected %s, found %s, tolerance %s",
              check.passed() ? "ok" : "WRONG",
              check.name(),
              check.expected(),
              check.found(),
              check.tolerance()));
    }
  }

  private static ObjectNode json(Engine engine, List<Doctor.Check> checks, double seconds) {
    BuildInfo build = BuildInfo.current();
    ObjectNode report = new ObjectMapper().createObjectNode();
    report
        .put("format", 1)
        .put("passed", checks.stream().allMatch(Doctor.Check::passed))
        .put("version", build.version())
        .put("commit", build.commit())
        .put("nd4j", build.nd4j())
        .put("backend", engine.backend())
        .put("native", engine.describeBinary())
        .put("threads", engine.threads())
        .put("java", Runtime.version().toString())
        .put("platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
        .put("seconds", seconds);
    ArrayNode list = report.putArray("checks");
    for (Doctor.Check check : checks) {
      list.addObject()
          .put("name", check.name())
          .put("expected", check.expected())
          .put("found", check.found())
          .put("tolerance", check.tolerance())
          .put("passed", check.passed());
    }
    return report;
  }
}
