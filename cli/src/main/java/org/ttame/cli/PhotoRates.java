package org.ttame.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.bench.Work;
import org.ttame.eval.bench.Workbench;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.training.data.Augment;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageFileLoader;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;

/**
 * Does decoding keep up? The same work on image files, as many as {@code limit} says, and on a
 * batch in memory, as many batches of each.
 */
record PhotoRates(Path images, Optional<ImageDraw> limit, InputSpec input, Console console) {
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
