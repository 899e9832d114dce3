package org.ttame.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.eval.output.MetricsTable;
import org.ttame.services.Merge;

/** {@code ttame merge}. */
final class MergeCommand implements Command {
  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "merge",
        "merges the shards of evaluate or explain",
        "DIR…",
        List.of(CommonOptions.OUT),
        CommonOptions.COMPUTING,
        "ttame merge part-0 part-1 part-2 --out metrics",
        List.of(
            "DIR…: the --out folders of the shards, in any order. OUT gets the"
                + " files that one run over all images would have written. Missing and"
                + " duplicate shards are refused, as are shards with other settings or of"
                + " another version. Shards of explain may share one folder."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<Path> folders = new ArrayList<>();
    for (String folder : arguments.operands()) {
      folders.add(Arguments.toPath("DIR", folder));
    }
    if (folders.isEmpty()) {
      throw new UsageException("merge needs the folders of shards, such as part-0 part-1");
    }
    Path out = arguments.requiredPath(CommonOptions.OUT);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      try (Merge merge = new Merge(folders, out, console)) {
        Engine.start(engine, console);
        Merge.Result result = merge.run();
        print(result, out.toString(), console);
        result.page().ifPresent(page -> console.result(page + ": all of it on one page"));
      }
    };
  }

  /** Prints what was merged. */
  static void print(Merge.Result result, String out, Console console) {
    result
        .measured()
        .ifPresent(measured -> MetricsTable.format(measured).lines().forEach(console::result));
    console.result(
        Text.format(
            "%s: %s%s",
            out,
            result.skipped().after(result.images()),
            EvaluateCommand.withoutMap(result.withoutMap())));
  }
}
