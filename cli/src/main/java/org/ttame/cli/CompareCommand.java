package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.ttame.core.Text;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.output.EvaluationComparison;
import org.ttame.services.Compare;

/** {@code ttame compare}. */
final class CompareCommand implements Command {
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-comparison", "where compare.json and compare.csv go");
  private static final OptionSpec JSON =
      OptionSpec.flag("json", "print compare.json to standard output instead of the table");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "compare",
        "compares two evaluations of the same images: differences with their intervals",
        "A B",
        List.of(OUT, JSON, MetricArguments.FAIL_IF),
        List.of(),
        "ttame compare metrics-old metrics-new --fail-if \"ttame:AD(50)>1\"",
        List.of(
            "A, B: output folders of evaluate, or training runs, whose closing report is used. Shows"
                + " the mean in A and in B of each metric and method that both have, and the"
                + " difference B - A, paired by image, with its 95 % interval. Evaluations of"
                + " different images or protocols are refused.",
            "--fail-if tests the difference B - A. All files are written before the command fails."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<String> operands = arguments.operands();
    if (operands.size() != 2) {
      throw new UsageException(
          Text.format("compare takes two evaluations, A and B; %d were given", operands.size()));
    }
    Compare.Options options =
        new Compare.Options(
            Arguments.toPath("A", operands.get(0)),
            Arguments.toPath("B", operands.get(1)),
            arguments.path(OUT).orElseThrow(),
            MetricArguments.conditions(arguments));
    boolean json = arguments.has(JSON);
    return console -> {
      Compare compare = new Compare(options);
      Compare.Result result = compare.run();
      Path file = options.out().resolve(EvaluationComparison.JSON);
      Consumer<String> say = json ? console::note : console::result;
      compare.classifiers().ifPresent(console::warn);
      result.comparison().table().lines().forEach(say);
      say.accept(Text.format("%s: %d images", file, result.comparison().images()));
      if (json) {
        TextFile.lines(file).forEach(console::result);
      }
      MetricArguments.failIfAny(result.failures());
    };
  }
}
