package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.training.data.Shard;

/** The numbers of a large evaluation need not fit into the heap of the JVM that merges them. */
class MergeMemoryTest {
  private static final int BATCH = 128;

  @TempDir Path folder;

  /** As objects the 160,000 records take more than all of the heap. */
  @Test
  void numbersAreNotHeld() throws Exception {
    assertMerges(24, 20_000, 8, 1);
  }

  /** ImageNet's training set by nine methods, by AD and IC at three thresholds. */
  @Test
  @Tag("fullsize")
  void halfAGigabyteIsEnoughForImageNet() throws Exception {
    assertMerges(512, 1_300_000, 9, 6);
  }

  private void assertMerges(int megabytes, int images, int methods, int numbers) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + megabytes + "m",
                "-Djava.io.tmpdir=" + folder,
                "-cp",
                System.getProperty("java.class.path"),
                MergeMemoryTest.class.getName(),
                folder.toString(),
                String.valueOf(images),
                String.valueOf(methods),
                String.valueOf(numbers))
            .redirectErrorStream(true)
            .start();
    StringBuilder said = new StringBuilder();
    try (BufferedReader out = new BufferedReader(process.inputReader(StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.append(line).append('\n');
      }
    }
    assertThat(process.waitFor()).as("%s", said).isZero();
    assertThat(said).contains("merged " + images + " images");
    assertThat(folder.resolve("merged/report.html")).isNotEmptyFile();
    try (var rows = Files.lines(folder.resolve("merged/per-image.csv"))) {
      assertThat(rows.count()).isEqualTo((long) images * methods + 1);
    }
  }

  /**
   * Writes shards as {@code evaluate} would have, and merges them.
   *
   * @param args a folder to write in, then how many images, methods and numbers of each
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int images = Integer.parseInt(args[1]);
    List<String> methods =
        IntStream.range(0, Integer.parseInt(args[2])).mapToObj(m -> "method-" + m).toList();
    List<MetricKey> keys = new ArrayList<>();
    for (int k = 0; k < Integer.parseInt(args[3]); k++) {
      keys.add(MetricKey.at(k % 2 == 0 ? "ad" : "ic", List.of(100, 50, 15).get(k / 2)));
    }
    List<MethodResult> none =
        methods.stream().map(name -> new MethodResult(name, Map.of(), keys, List.of(), 0)).toList();
    EvaluationResult nothing = new EvaluationResult(keys, Map.of(), none, 0, 0, 0, 0);
    int count = (images + 16 * BATCH - 1) / (16 * BATCH);
    Sha256 names = new Sha256();
    IntStream.range(0, images).forEach(i -> names.line(name(i)));
    String sum = names.hex();
    List<Path> shards = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      shards.add(write(folder.resolve("shard-" + i), nothing, new Shard(i, count), images, sum));
    }
    long began = System.nanoTime();
    try (Merge merge = new Merge(shards, folder.resolve("merged"), ProgressListener.NONE)) {
      Merge.Result result = merge.run();
      double mean = result.measured().orElseThrow().methods().get(0).summary(keys.get(0)).mean();
      System.out.println(
          Text.format(
              "merged %d images of %d methods with %d numbers from %d shards in %.0f s (mean %.3f)",
              result.images(),
              methods.size(),
              keys.size(),
              count,
              (System.nanoTime() - began) / 1e9,
              mean));
    }
  }

  private static String name(int image) {
    return Text.format("n%08d/n%08d_%05d.JPEG", image / 1300, image / 1300, image % 1300);
  }

  private static Path write(
      Path folder, EvaluationResult nothing, Shard shard, int images, String sum)
      throws IOException {
    SplittableRandom random = new SplittableRandom(shard.index());
    int own = shard.size(images);
    try (EvaluationFolder out = EvaluationFolder.restart(folder, nothing, Map.of())) {
      for (int from = 0; from < own; from += BATCH) {
        List<MethodResult> methods = new ArrayList<>();
        int to = Math.min(from + BATCH, own);
        for (MethodResult method : nothing.methods()) {
          List<ImageRecord> records = new ArrayList<>();
          for (int i = from; i < to; i++) {
            double[] values = random.doubles(nothing.keys().size()).toArray();
            String name = name(shard.place(i));
            records.add(new ImageRecord(name, method.method(), i % 1000, 0.5, 1, 0, values));
          }
          methods.add(new MethodResult(method.method(), Map.of(), nothing.keys(), records, 1));
        }
        out.accept(new EvaluationResult(nothing.keys(), Map.of(), methods, to - from, 1, 6, 1));
      }
    }
    // A thousand names of classes, as every shard has them.
    List<String> labels = IntStream.range(0, 1000).mapToObj(i -> "a class " + i).toList();
    BuildInfo build = BuildInfo.current();
    new ShardRecord(
            1,
            ShardRecord.EVALUATE,
            shard.index(),
            shard.count(),
            build.describe(),
            build,
            new LinkedHashMap<>(),
            Map.of(),
            Map.of(),
            images,
            sum,
            BATCH,
            own,
            List.of(),
            ShardRecord.Measured.of(nothing, labels, "viridis", null))
        .write(folder);
    return folder;
  }
}
