package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.loss.ClassSampler;
import org.ttame.core.loss.LossMode;
import org.ttame.core.npz.Npz;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.Workers;
import org.ttame.training.run.RunFolder;
import org.ttame.training.run.StepRecord;

/** Steps whose images are shared among workers, on one machine and on several. */
class AccumulateTest {
  /** Relative, as of {@link TrajectoryTest}: single precision against double. */
  private static final double TOLERANCE = 1e-4;

  @TempDir Path folder;

  /**
   * Two workers in plain PyTorch and double precision, each with its own batch statistics; the last
   * steps are smaller, of 19 images with shares of two and one. Golden values: make_accumulated.py.
   */
  @ParameterizedTest
  @ValueSource(ints = {20, 19})
  void followsDataParallelPyTorch(int images) throws IOException {
    String prefix = images == 20 ? "" : images + ".";
    Map<String, INDArray> golden = Npz.read(resource("accumulated.npz"));
    Map<String, INDArray> given = Npz.read(resource("vgg.npz"));
    Map<String, INDArray> init = Npz.read(resource("vgg-init.npz"));
    TrainingOptions options =
        TrainingOptions.builder()
            .batchSize(4)
            .accumulate(2)
            .epochs(2)
            .maxLr(given.get("max_lr").getDouble(0))
            .build();
    TrainingPlan plan = TrainingPlan.of(images, options.plan());
    assertThat(plan.totalSteps()).isEqualTo(6);
    int[] worker = new int[1];
    ClassDraws draws =
        (step, predicted) -> classes(golden.get(prefix + "psi." + step + "." + worker[0]));
    try (FrozenClassifier classifier =
            Backbones.load(resource("vgg.onnx"), BackboneOptions.defaults());
        AttentionMechanism mechanism =
            AttentionMechanism.fromNpz(
                AttentionSpec.of(
                    classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED),
                init);
        Trainer trainer = new Trainer(classifier, mechanism, options, plan.totalSteps(), draws)) {
      for (int step = 0; step < plan.totalSteps(); step++) {
        int first = step % 3 * 8;
        int count = Math.min(8, images - first);
        StepShare sum = null;
        for (int k = 0; k < 2; k++) {
          worker[0] = k;
          int from = first + Workers.all(2).start(k, count);
          int to = first + Workers.all(2).start(k + 1, count);
          List<Integer> places = IntStream.range(from, to).boxed().toList();
          try (INDArray unit = unit(given.get("images"), from, to)) {
            StepShare share = trainer.share(step, step / 3, places, unit, List.of());
            sum = sum == null ? share : sum.plus(share);
          }
        }
        StepRecord record = trainer.apply(step, sum);
        assertThat(record.images()).isEqualTo(count);
        close(record.loss(), golden.get(prefix + "loss").getDouble(step), "loss " + step);
        close(record.ce(), golden.get(prefix + "ce").getDouble(step), "cross-entropy " + step);
        close(record.area(), golden.get(prefix + "area").getDouble(step), "area " + step);
        close(
            record.variation(),
            golden.get(prefix + "variation").getDouble(step),
            "variation " + step);
      }
      mechanism
          .toNpz()
          .forEach(
              (name, array) -> {
                INDArray expected = golden.get(prefix + "final." + name);
                double scale = Math.max(expected.amaxNumber().doubleValue(), 1e-3);
                assertThat(array.sub(expected).amaxNumber().doubleValue() / scale)
                    .as("%s after the last step", name)
                    .isLessThan(TOLERANCE);
              });
    }
  }

  /** Each in a run of its own, at its own speed, as executors of a cluster. */
  @Test
  void workersElsewhereComeToTheSameBits() throws Exception {
    ImageList images = ImageList.of(Fixtures.pictures(folder.resolve("pictures"), 23));
    Files.writeString(folder.resolve("pictures/07.png"), "no picture");
    TrainingOptions options = options(3).build();
    train(images, options, folder.resolve("alone"), 0);
    Exchange exchange = new Exchange(3);
    ExecutorService threads = Executors.newFixedThreadPool(3);
    List<Future<?>> workers = new ArrayList<>();
    for (int k = 0; k < 3; k++) {
      Path run = folder.resolve("worker-" + k);
      int worker = k;
      workers.add(
          threads.submit(
              () -> {
                try (FrozenClassifier classifier = Fixtures.classifier();
                    TrainingRun part =
                        TrainingRun.builder(classifier, images, options, RunFolder.create(run))
                            .workers(Workers.one(worker, 3), own -> exchange.all(worker, own))
                            .start()) {
                  return part.run();
                }
              }));
    }
    for (Future<?> worker : workers) {
      worker.get();
    }
    threads.shutdown();
    Map<String, String> alone = state(folder.resolve("alone"));
    for (int k = 0; k < 3; k++) {
      assertThat(state(folder.resolve("worker-" + k))).as("worker %d", k).isEqualTo(alone);
    }
    assertThat(alone.get("run.json")).contains("\"skipped_images\":1", "\"accumulate\":\"3\"");
  }

  @Test
  void resumesWithTheSameBits() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder.resolve("pictures"), 22));
    TrainingOptions options = options(2).build();
    train(images, options, folder.resolve("whole"), 0);
    train(images, options, folder.resolve("stopped"), 3);
    try (FrozenClassifier classifier = Fixtures.classifier();
        TrainingRun rest =
            TrainingRun.builder(
                    classifier, images, options, RunFolder.open(folder.resolve("stopped")))
                .resume()) {
      assertThat(rest.stepsDone()).isEqualTo(3);
      assertThat(rest.run().finished()).isTrue();
    }
    assertThat(state(folder.resolve("stopped"))).isEqualTo(state(folder.resolve("whole")));
    assertThatThrownBy(
            () -> {
              try (FrozenClassifier classifier = Fixtures.classifier();
                  TrainingRun other =
                      TrainingRun.builder(
                              classifier,
                              images,
                              options(1).build(),
                              RunFolder.open(folder.resolve("stopped")))
                          .resume()) {
                other.run();
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessageContaining("accumulate");
  }

  @Test
  void oneWorkerIsOrdinaryTraining() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder.resolve("pictures"), 10));
    TrainingOptions ordinary = options(1).build();
    assertThat(ordinary).isEqualTo(options(1).accumulate(1).build());
    assertThat(ordinary.toProperties()).doesNotContainKey("accumulate");
    train(images, ordinary, folder.resolve("ordinary"), 0);
    try (FrozenClassifier classifier = Fixtures.classifier();
        TrainingRun run =
            TrainingRun.builder(
                    classifier, images, ordinary, RunFolder.create(folder.resolve("one")))
                .workers(Workers.one(0, 1), StepExchange.LOCAL)
                .start()) {
      run.run();
    }
    assertThat(state(folder.resolve("one"))).isEqualTo(state(folder.resolve("ordinary")));
  }

  @Test
  void refusesSharesTooSmallForStatisticsBeforeTheFirstStep() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder.resolve("pictures"), 19));
    // Steps of 8, 8 and 3 images: the last one's shares are of two and one.
    TrainingOptions options = options(2).batchSize(4).build();
    try (FrozenClassifier classifier = Fixtures.classifierToOnePixel()) {
      assertThatThrownBy(
              () ->
                  TrainingRun.builder(
                          classifier, images, options, RunFolder.create(folder.resolve("run")))
                      .start())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Each of 2 workers needs 2 images per step")
          .hasMessageContaining("19 images in steps of 2 × 4 leave a step of 3");
    }
    // A share without an image is refused of any mechanism.
    try (FrozenClassifier classifier = Fixtures.classifier()) {
      TrainingOptions many = options(6).batchSize(3).build();
      assertThatThrownBy(
              () ->
                  TrainingRun.builder(
                          classifier, images, many, RunFolder.create(folder.resolve("many")))
                      .start())
          .hasMessageContaining("Each of 6 workers needs 1 image per step");
    }
  }

  @Test
  void drawsDependOnSeedEpochAndImageAlone() {
    ClassSampler sampler = new ClassSampler(LossMode.PAPER, 50, 7);
    int[][] together = sampler.draw(new int[] {3, 9, 30, 4}, 2, List.of(11, 5, 40, 8));
    int[][] apart = sampler.draw(new int[] {30, 9, 1, 2}, 2, List.of(40, 5, 1, 2));
    assertThat(apart[0]).containsExactly(together[2]);
    assertThat(apart[1]).containsExactly(together[1]);
    for (int[] row : together) {
      assertThat(row).hasSize(4).doesNotHaveDuplicates();
    }
    assertThat(sampler.draw(new int[] {30, 9, 1, 2}, 3, List.of(40, 5, 1, 2))[0])
        .isNotEqualTo(apart[0]);
    ClassSampler other = new ClassSampler(LossMode.PAPER, 50, 8);
    assertThat(other.draw(new int[] {30, 9, 1, 2}, 2, List.of(40, 5, 1, 2))[0])
        .isNotEqualTo(apart[0]);
    assertThat(new ClassSampler(LossMode.RELEASED, 50, 7).draw(new int[] {3, 9}, 2, List.of(0, 1)))
        .isDeepEqualTo(new int[][] {{3, 9}, {9, 3}});
  }

  @Test
  void sharesAreContiguousAndEven() {
    for (int images : new int[] {12, 11, 7, 4}) {
      Workers workers = Workers.all(4);
      assertThat(workers.start(0, images)).isZero();
      assertThat(workers.start(4, images)).isEqualTo(images);
      int[] sizes =
          IntStream.range(0, 4)
              .map(k -> workers.start(k + 1, images) - workers.start(k, images))
              .toArray();
      assertThat(IntStream.of(sizes).max().getAsInt() - IntStream.of(sizes).min().getAsInt())
          .isLessThanOrEqualTo(1);
    }
  }

  private static TrainingOptions.Builder options(int workers) {
    return TrainingOptions.builder().batchSize(3).accumulate(workers).epochs(2).maxLr(0.02);
  }

  private static void train(ImageList images, TrainingOptions options, Path folder, int steps)
      throws IOException {
    TrainingRun[] running = new TrainingRun[1];
    TrainingListener stopper =
        new TrainingListener() {
          @Override
          public void stepped(StepRecord step, java.time.Duration left) {
            if (step.step() == steps) {
              running[0].stop(java.time.Duration.ZERO);
            }
          }
        };
    try (FrozenClassifier classifier = Fixtures.classifier();
        TrainingRun run =
            TrainingRun.builder(classifier, images, options, RunFolder.create(folder))
                .listener(stopper)
                .start()) {
      running[0] = run;
      run.run();
    }
  }

  /** What a run has come to, without times and places. */
  private static Map<String, String> state(Path run) throws IOException {
    Map<String, String> state = new TreeMap<>();
    String steps = Files.readString(run.resolve("steps.jsonl"));
    state.put("steps.jsonl", steps.replaceAll("\"images_per_s\":[^,}]*", ""));
    var record = new ObjectMapper().readTree(run.resolve("run.json").toFile());
    state.put(
        "run.json",
        record.path("settings").toString()
            + record.path("passes")
            + "\"skipped_images\":"
            + record.path("skipped_images"));
    Path last = run.resolve("checkpoints/epoch-2");
    try (var files = Files.list(last)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".npz")).toList()) {
        state.put(
            file.getFileName().toString(), java.util.Arrays.toString(Files.readAllBytes(file)));
      }
    }
    assertThat(state).hasSizeGreaterThan(2);
    return state;
  }

  /** Workers in threads. */
  private static final class Exchange {
    private final StepShare[] shares;
    private final CyclicBarrier barrier;

    Exchange(int workers) {
      shares = new StepShare[workers];
      barrier = new CyclicBarrier(workers);
    }

    StepShare all(int worker, StepShare own) throws IOException {
      try {
        shares[worker] = own;
        barrier.await();
        StepShare sum = null;
        for (StepShare share : shares) {
          StepShare copy =
              new StepShare(
                  share.images(),
                  share.shares(),
                  share.terms(),
                  share.passes(),
                  share.bad(),
                  share.gradients().clone(),
                  share.statistics().clone());
          sum = sum == null ? copy : sum.plus(copy);
        }
        barrier.await();
        return sum;
      } catch (InterruptedException | BrokenBarrierException e) {
        throw new IOException(e);
      }
    }
  }

  private static void close(double actual, double expected, String what) {
    assertThat(actual).as(what).isCloseTo(expected, within(TOLERANCE * Math.max(expected, 1e-3)));
  }

  private static int[][] classes(INDArray psi) {
    int[][] rows = new int[(int) psi.size(0)][(int) psi.size(1)];
    for (int b = 0; b < rows.length; b++) {
      for (int k = 0; k < rows[b].length; k++) {
        rows[b][k] = psi.getInt(b, k);
      }
    }
    return rows;
  }

  private static INDArray unit(INDArray images, int from, int to) {
    try (INDArray bytes =
        images.get(NDArrayIndex.interval(from, to)).permute(0, 2, 3, 1).dup('c')) {
      return bytes.div(255);
    }
  }

  private static Path resource(String name) throws IOException {
    try {
      return Path.of(AccumulateTest.class.getResource("/trajectory/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }
}
