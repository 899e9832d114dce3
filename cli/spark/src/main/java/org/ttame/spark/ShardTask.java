package org.ttame.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.util.LongAccumulator;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.ProgressListener;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.OutputFile;
import org.ttame.eval.output.OutputNames;
import org.ttame.services.Evaluate;
import org.ttame.services.Explain;
import org.ttame.services.ImageSet;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.Shard;

/**
 * A shard, as an executor does it: the images of the shard alone are known there. What comes of it
 * is brought to the output only when it is whole, so a task may be done again at any time.
 */
final class ShardTask implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String command;
  private final LinkedHashMap<String, String> values;
  private final ShippedFiles shipped;
  private final Source source;
  private final LongAccumulator done;

  /**
   * What all shards share.
   *
   * @param place where the images are, as it was named
   * @param base where their paths begin
   * @param images how many there are in all
   * @param namesSha256 of all names
   * @param description of all, for people
   * @param classNames those of class folders
   */
  record Source(
      String place,
      String base,
      int images,
      String namesSha256,
      String description,
      ArrayList<String> classNames)
      implements Serializable {}

  /**
   * The images of a shard.
   *
   * @param index its number
   * @param count of how many
   * @param paths inside the source, each ended by a zero byte
   * @param labels a class or none for each
   * @param renamed image to the name of its files, where that is not the usual one
   */
  @SuppressWarnings("ArrayRecordComponent") // sent, never compared
  record Images(
      int index, int count, byte[] paths, int[] labels, LinkedHashMap<String, String> renamed)
      implements Serializable {
    static Images of(ImageList whole, Shard shard, Map<String, String> renamed) {
      ImageList own = shard.of(whole);
      StringBuilder paths = new StringBuilder();
      int[] labels = new int[own.size()];
      LinkedHashMap<String, String> here = new LinkedHashMap<>();
      for (int i = 0; i < labels.length; i++) {
        paths.append(own.text(i)).append('\0');
        labels[i] = own.label(i);
        if (renamed.containsKey(own.name(i))) {
          here.put(own.name(i), renamed.get(own.name(i)));
        }
      }
      byte[] bytes = FileNames.encode(paths.toString());
      return new Images(shard.index(), shard.count(), bytes, labels, here);
    }

    List<String> texts() {
      String all = FileNames.decode(paths);
      return List.of(all.substring(0, all.length() - 1).split("\0", -1));
    }
  }

  ShardTask(RemoteCommand command, ShippedFiles shipped, Source source, LongAccumulator done) {
    this.command = command.name();
    this.values = new LinkedHashMap<>(command.given());
    this.shipped = shipped;
    this.source = source;
    this.done = done;
  }

  /** Where in the output a shard's record, and an evaluation's numbers, go. */
  static String place(int index) {
    return "shards/" + index;
  }

  /** Does a shard, and returns its number. */
  int run(Images images) throws Exception {
    Path work = Files.createTempDirectory("ttame-shard-");
    try {
      String out = RemoteCommand.of(command, values).text("out").orElseThrow();
      Path local = Files.createDirectory(work.resolve("out"));
      Map<String, String> here = new LinkedHashMap<>(shipped.options());
      here.put("out", local.toString());
      RemoteCommand own = RemoteCommand.of(command, values).with(here);
      ExecutorClassifier.alone(
          () -> {
            explainOrMeasure(own, images, work, ExecutorClassifier.of(own, shipped));
            return images;
          });
      Map<String, String> texts = new LinkedHashMap<>(shipped.texts());
      texts.put(work.resolve("images").toString(), source.place());
      if (!Places.isLocal(source.place())) {
        // A path of this machine has one slash where two belong.
        texts.put(Path.of(source.place()).toString(), source.place());
      }
      ShippedFiles.restoreTexts(local, texts);
      Shard shard = new Shard(images.index(), images.count());
      if (command.equals(RemoteCommand.EXPLAIN)) {
        // Maps go where they belong; the record, which says that all are there, goes last.
        Path record = Files.createDirectory(work.resolve("record"));
        String file = "shard-" + shard.index() + "-of-" + shard.count() + ".json";
        Files.move(local.resolve(file), record.resolve(file));
        Places.deliver(local, out, "", "");
        Places.deliver(record, out, place(shard.index()), file);
      } else {
        Places.deliver(
            local,
            out,
            place(shard.index()),
            "shard-" + shard.index() + "-of-" + shard.count() + ".json");
      }
      return images.index();
    } finally {
      OutputFile.deleteTree(work);
    }
  }

  private void explainOrMeasure(
      RemoteCommand own, Images images, Path work, FrozenClassifier classifier) throws IOException {
    List<String> paths = images.texts();
    boolean local = Places.isLocal(source.place());
    Path base = local ? Path.of(source.base()) : work.resolve("images");
    if (!local) {
      FileSystem files = Places.fileSystem(source.base());
      for (String path : paths) {
        Places.fetch(files, source.base(), path, base.resolve(path));
      }
    }
    ImageList list =
        ImageList.of(
            local ? Places.local(source.place()) : base,
            base,
            paths,
            images.labels(),
            source.classNames());
    ImageSet set =
        new ImageSet(
            list,
            Optional.of(new Shard(images.index(), images.count())),
            source.images(),
            source.namesSha256(),
            source.description());
    ProgressListener progress = new Counted(own.listener());
    if (command.equals(RemoteCommand.EVALUATE)) {
      new Evaluate(own.evaluate(), set, progress).run(classifier);
    } else {
      OutputNames names = OutputNames.of(images.renamed(), list.size(), list::name);
      new Explain(own.explain(), set, names, progress).run(classifier, written -> {});
    }
  }

  /**
   * Tells the driver how many images are done; what is said besides stays in the executor's log.
   */
  private final class Counted implements ProgressListener {
    private final ProgressListener log;
    private long told;

    Counted(ProgressListener log) {
      this.log = log;
    }

    @Override
    public void advance(long images, String detail) {
      done.add(images - told);
      told = images;
    }

    @Override
    public void note(String sentence) {
      log.note(sentence);
    }

    @Override
    public void warn(String sentence) {
      log.warn(sentence);
    }
  }
}
