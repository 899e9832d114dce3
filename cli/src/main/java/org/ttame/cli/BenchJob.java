package org.ttame.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.bench.Endurance;
import org.ttame.eval.bench.ResidentMemory;
import org.ttame.eval.bench.Timing;
import org.ttame.eval.bench.Work;
import org.ttame.eval.bench.Workbench;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.Provenance;
import org.ttame.services.ClassifierChoice;
import org.ttame.training.data.Augment;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageFileLoader;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;

/**
 * The work of {@code bench}: runs of each kind of work, and, where asked for, so many more for the
 * comparison of beginning and end, and image files compared with memory.
 */
record BenchJob(
    ClassifierChoice choice,
    List<Work> work,
    List<Integer> batches,
    int repeats,
    int warmup,
    boolean profile,
    Optional<Integer> endurance,
    Optional<Path> photos,
    Optional<ImageDraw> limit,
    boolean lockstep,
    long seed,
    Optional<Path> out,
    Engine.Settings engine)
    implements Command.Job {
  private static final double MIB = 1 << 20;
  private static final double LEAST_PRINTED_SECONDS = 1e-3;

  @Override
  public void run(Console console) throws Exception {
    Engine started = Engine.start(engine, console);
    ObjectNode record = new ObjectMapper().createObjectNode();
    try (FrozenClassifier classifier = choice.load(console)) {
      if (lockstep) {
        inTurn(classifier, console);
        return;
      }
      record.setAll(
          new ObjectMapper()
              .<ObjectNode>valueToTree(
                  Provenance.of(
                          classifier,
                          Map.of(
                              "threads", String.valueOf(started.threads()),
                              "native", started.describeBinary(),
                              "seed", String.valueOf(seed)))
                      .toMap()));
      record.put("format", 1);
      double peak = Workbench.peakGigaflops();
      record.put("sgemm_gflops", peak);
      console.result(
          Text.format(
              "%s, %d threads, %s; sgemm %.0f GFLOP/s",
              classifier.name(), started.threads(), started.describeBinary(), peak));
      ArrayNode rows = record.putArray("measured");
      for (int batch : batches) {
        try (Workbench bench = new Workbench(classifier, batch, seed)) {
          measure(bench, peak, rows, console);
          if (endurance.isPresent()) {
            endure(bench, rows, console);
          }
          if (photos.isPresent()) {
            new PhotoRates(photos.get(), limit, classifier.inputSpec(), console)
                .measure(bench, work, rows);
          }
        }
      }
      console.result(Text.format("peak resident memory %.0f MiB", ResidentMemory.peak() / MIB));
      record.put("peak_resident_bytes", ResidentMemory.peak());
    }
    if (out.isPresent()) {
      AtomicFile.writeText(out.get(), record.toPrettyString() + "\n");
    }
  }

  private void measure(Workbench bench, double peak, ArrayNode rows, Console console) {
    Map<Work, double[]> seconds = new EnumMap<>(Work.class);
    work.forEach(kind -> seconds.put(kind, new double[repeats]));
    for (int i = -warmup; i < repeats; i++) {
      for (Work kind : work) {
        double once = bench.run(kind);
        if (i >= 0) {
          seconds.get(kind)[i] = once;
        }
      }
    }
    for (Work kind : work) {
      Timing timing = Timing.of(seconds.get(kind));
      EngineProfile where = bench.profile(kind);
      double gigaflops = where.operations() / timing.median() / 1e9;
      console.result(
          Text.format(
              "%-11s batch %2d: %7.0f ms (%.0f to %.0f), %6.2f images/s, %.1f GFLOP at %.0f GFLOP/s"
                  + " = %.0f %% of sgemm",
              kind.optionName(),
              bench.batch(),
              timing.median() * 1e3,
              timing.min() * 1e3,
              timing.max() * 1e3,
              bench.images(kind) / timing.median(),
              where.operations() / 1e9,
              gigaflops,
              100 * gigaflops / peak));
      ObjectNode row =
          rows.addObject()
              .put("work", kind.optionName())
              .put("batch", bench.batch())
              .put("images", bench.images(kind))
              .put("min_s", timing.min())
              .put("median_s", timing.median())
              .put("max_s", timing.max())
              .put("repeats", repeats)
              .put("gflop", where.operations() / 1e9)
              .put("share_of_sgemm", gigaflops / peak);
      if (profile) {
        tell(where, row.putArray("operations"), console);
      }
    }
  }

  /** Prints the kinds from a millisecond on, and the sum of the others; records them all. */
  private static void tell(EngineProfile where, ArrayNode rows, Console console) {
    int brief = 0;
    double briefSeconds = 0;
    for (EngineProfile.Entry entry : where.entries()) {
      rows.addObject()
          .put("kind", entry.kind())
          .put("calls", entry.calls())
          .put("ms", entry.seconds() * 1e3)
          .put("gflops", entry.gigaflops());
      if (entry.seconds() < LEAST_PRINTED_SECONDS) {
        brief++;
        briefSeconds += entry.seconds();
        continue;
      }
      console.result(
          Text.format(
              "  %-20s %4d × %9.1f ms%s",
              entry.kind(),
              entry.calls(),
              entry.seconds() * 1e3,
              entry.operations() == 0 ? "" : Text.format(", %.0f GFLOP/s", entry.gigaflops())));
    }
    if (brief > 0) {
      String others = Text.format("%d below 1 ms each", brief);
      console.result(Text.format("  %-20s %16.1f ms", others, briefSeconds * 1e3));
    }
    console.result(Text.format("  %-20s %16.1f ms", "all operations", where.seconds() * 1e3));
  }

  private void endure(Workbench bench, ArrayNode rows, Console console) {
    for (Work kind : work) {
      console.begin(kind.optionName(), endurance.orElseThrow(), 0);
      Endurance found = Endurance.run(bench, kind, endurance.orElseThrow(), console::advance);
      console.result(
          Text.format(
              "%-8s batch %2d: %d times; first %d and last %d: %.1f and %.1f MiB resident, %.1f and"
                  + " %.1f ms; all took %.3f times ten times the first tenth",
              kind.optionName(),
              bench.batch(),
              found.times(),
              found.tenth(),
              found.tenth(),
              found.firstBytes() / MIB,
              found.lastBytes() / MIB,
              found.firstSeconds() * 1e3,
              found.lastSeconds() * 1e3,
              found.linearity()));
      rows.addObject()
          .put("endurance", kind.optionName())
          .put("batch", bench.batch())
          .put("times", found.times())
          .put("first_bytes", found.firstBytes())
          .put("last_bytes", found.lastBytes())
          .put("first_s", found.firstSeconds())
          .put("last_s", found.lastSeconds())
          .put("linearity", found.linearity());
    }
  }

  /**
   * Says {@code ready}, then answers each line: {@code run} with the seconds of all the work once
   * on the first batch size, {@code memory} with the peak of resident bytes. Ends with the input.
   */
  private void inTurn(FrozenClassifier classifier, Console console) throws Exception {
    try (Workbench bench = new Workbench(classifier, batches.get(0), seed);
        BufferedReader input =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      console.result("ready");
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        switch (line) {
          case "run" -> {
            double seconds = 0;
            for (Work kind : work) {
              seconds += bench.run(kind);
            }
            console.result(String.valueOf(seconds));
          }
          case "memory" -> console.result(String.valueOf(ResidentMemory.peak()));
          default ->
              throw new WorkFailedException(
                  Text.format("--lockstep understands 'run' and 'memory', not '%s'", line));
        }
      }
    }
  }

  /**
   * Does decoding keep up? The same work on image files, as many as {@code limit} says, and on a
   * batch in memory, as many batches of each.
   */
  private record PhotoRates(
      Path images, Optional<ImageDraw> limit, InputSpec input, Console console) {
    /** Measures explanations and training steps, as far as they are among the work. */
    void measure(Workbench bench, List<Work> work, ArrayNode rows) throws IOException {
      ImageList list = ImageSettings.find(images, console);
      if (limit.isPresent()) {
        list = limit.get().from(list);
      }
      for (Work kind : work) {
        if (kind != Work.EXPLAIN && kind != Work.STEP) {
          continue;
        }
        bench.run(kind);
        double[] files = files(bench, kind, list);
        double batches = Math.max(1, Math.round(files[1] / bench.batch()));
        double memory = 0;
        for (int i = 0; i < batches; i++) {
          memory += bench.run(kind);
        }
        double fromFiles = files[1] / files[0];
        double fromMemory = batches * bench.batch() / memory;
        console.result(
            Text.format(
                "%-8s batch %2d: %.2f images/s from %.0f files, %.2f from memory: %.1f %%",
                kind.optionName(),
                bench.batch(),
                fromFiles,
                files[1],
                fromMemory,
                100 * fromFiles / fromMemory));
        rows.addObject()
            .put("files", kind.optionName())
            .put("batch", bench.batch())
            .put("images", (long) files[1])
            .put("images_per_s", fromFiles)
            .put("images_per_s_from_memory", fromMemory);
      }
    }

    /** Seconds, and images that could be read. */
    private double[] files(Workbench bench, Work kind, ImageList list) throws IOException {
      return kind == Work.EXPLAIN ? explained(bench, list) : trained(bench, list);
    }

    private double[] explained(Workbench bench, ImageList list) {
      MaskedInput clean = new MaskedInput(input, Masking.CNN);
      ImageSettings settings = ImageSettings.defaults().withBatchSize(bench.batch());
      double count = 0;
      long began = System.nanoTime();
      try (ImageStream stream =
          new ImageStream(settings.open(list, input), list).reporting(console, "explaining", 0)) {
        while (stream.hasNext()) {
          ImageBatch batch = stream.next();
          try (INDArray standardised = clean.clean(batch)) {
            bench.run(Work.EXPLAIN, standardised);
          }
          count += batch.size();
        }
      }
      return new double[] {(System.nanoTime() - began) / 1e9, count};
    }

    private double[] trained(Workbench bench, ImageList list) throws IOException {
      double count = 0;
      long began = System.nanoTime();
      try (BatchSource source =
          new BatchSource(
              list,
              input,
              new BatchOptions(bench.batch(), true, 0, BatchOptions.defaultThreads(), 2, false),
              new ImageFileLoader(input, Augment.CROP, ImageLimits.DEFAULT),
              0,
              BatchSource.stepsPerEpoch(list.size(), bench.batch()))) {
        while (source.hasNext()) {
          try (Batch batch = source.next()) {
            if (batch.size() > 0) {
              bench.run(Work.STEP, batch.images());
            }
            count += batch.size();
          }
        }
      }
      return new double[] {(System.nanoTime() - began) / 1e9, count};
    }
  }
}
