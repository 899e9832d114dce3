package org.ttame.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.BarrierTaskContext;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.OutputFile;
import org.ttame.services.Train;
import org.ttame.training.data.Workers;
import scala.Option;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction1;

/** A worker of a training: a task of a barrier stage. */
final class TrainTask extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
    implements Serializable {
  private static final long serialVersionUID = 1L;

  private final LinkedHashMap<String, String> values;
  private final ShippedFiles shipped;
  private final int attempt;

  /** A worker; its attempt is 0 at first, later ones go on where executors were lost. */
  TrainTask(RemoteCommand command, ShippedFiles shipped, int attempt) {
    this.attempt = attempt;
    this.values = new LinkedHashMap<>(command.given());
    this.shipped = shipped;
  }

  @Override
  public Iterator<String> apply(Iterator<Integer> numbers) {
    try {
      String said = ExecutorClassifier.alone(() -> work(BarrierTaskContext.get()));
      return Option.apply(said).iterator();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Only the first worker writes where the user looks, and has something to say; others null. */
  private String work(BarrierTaskContext context) throws Exception {
    int worker = context.partitionId();
    RemoteCommand command = RemoteCommand.of(RemoteCommand.TRAIN, values);
    Path run = Places.local(command.text("run").orElseThrow());
    // Begun by an earlier attempt, whose executor was lost.
    boolean begun = attempt > 0 && Files.exists(run.resolve("run.json"));
    boolean resume = begun || values.containsKey("resume");
    Path folder = worker == 0 ? run : Files.createTempDirectory("ttame-worker-").resolve("run");
    try (BlockExchange exchange = new BlockExchange(context)) {
      context.barrier();
      if (worker > 0 && resume) {
        copy(run, folder);
      }
      // Now the first one may write.
      context.barrier();
      Map<String, String> here = new LinkedHashMap<>();
      here.put("run", folder.toString());
      here.put("resume", resume ? "true" : "");
      if (worker > 0) {
        here.put("report", "0");
      }
      RemoteCommand own = command.with(here);
      Map<String, String> file = new LinkedHashMap<>(shipped.options());
      if (!resume) {
        file.put("run", ""); // which says nothing of a classifier yet
      }
      RemoteCommand loading = own.with(file);
      FrozenClassifier classifier = ExecutorClassifier.of(loading, shipped);
      Train train = new Train(own.train(), own.listener());
      train.share(Workers.one(worker, context.getTaskInfos().length), exchange);
      Train.Result result = train.run(classifier);
      context.barrier();
      if (worker > 0) {
        return null;
      }
      train.report(classifier);
      return Text.format(
          "%s: %s, checkpoint %s%s",
          run,
          Text.count(result.training().stepsDone(), "step"),
          result.checkpoint().orElse("none"),
          result.training().skipped().total() == 0
              ? ""
              : "; " + result.training().skipped().describe());
    } finally {
      if (worker > 0) {
        OutputFile.deleteTree(folder.getParent());
      }
    }
  }

  /** What a worker needs to go on: all but the sample's images. */
  private static void copy(Path from, Path to) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(from)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      Path target = to.resolve(from.relativize(file).toString());
      Files.createDirectories(target.getParent());
      try (InputStream in = Files.newInputStream(file)) {
        AtomicFile.write(target, in::transferTo);
      }
    }
  }
}
