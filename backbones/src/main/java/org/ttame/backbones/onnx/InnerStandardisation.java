package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * A standardisation that a graph does itself. Values are followed from the image on as long as they
 * are its {@link ChannelLines}: each channel x of the image as a·x + b. What reads the last of them
 * has to read the same a and b on every way. They say what images are expected where black is at
 * most 0 and white above: images in [0, 255] by a mean −b/a above 2 or a factor a of at most 0.1,
 * those in [0, 1] by a factor of at least 1. Images standardised by ImageNet's values are told by a
 * graph that takes these back and gives every channel the same scale. Anything else is not told.
 * Images of bytes are in [0, 255] whatever follows.
 */
final class InnerStandardisation {
  private static final double WHITE = 255;
  private static final double LARGEST_UNIT_MEAN = 2;
  private static final double LARGEST_BYTE_FACTOR = 0.1;

  /** Samples of more than eight bits have smaller ones. */
  private static final double SMALLEST_BYTE_FACTOR = 1e-3;

  /** Less than 1 by what float32 rounds. */
  private static final double SMALLEST_UNIT_FACTOR = 0.999;

  /** A factor of its own, without a mean, brings [0, 1] to about [0, 255], or tells nothing. */
  private static final double SMALLEST_BARE_FACTOR = 100;

  /** Of float32 constants, each rounded. */
  private static final double TOLERANCE = 1e-5;

  private InnerStandardisation() {}

  /**
   * What is left for whoever feeds the graph.
   *
   * @param flow the graph, before anything is fused
   * @return mean 0 and the std that gives [0, 1] or [0, 255], or ImageNet's values; empty if the
   *     graph does not standardise, or its constants do not tell
   */
  static Optional<InputSpec> of(Dataflow flow) throws IOException {
    ImageInput image = flow.image();
    if (image.stored().type() == InputSpec.Type.UINT8) {
      return Optional.of(spec(image, 1 / WHITE));
    }
    double[][] lines = read(flow);
    if (lines == null) {
      return Optional.empty();
    }
    if (isImageNets(lines)) {
      return Optional.of(spec(image, InputSpec.IMAGENET_MEAN, InputSpec.IMAGENET_STD));
    }
    return std(lines).map(std -> spec(image, std));
  }

  private static InputSpec spec(ImageInput image, double std) {
    int channels = image.channels();
    return spec(image, Collections.nCopies(channels, 0.0), Collections.nCopies(channels, std));
  }

  private static InputSpec spec(ImageInput image, List<Double> mean, List<Double> std) {
    ImageSize size = image.size();
    return new InputSpec(size.height(), size.width(), mean, std, ResizeRule.CROP, image.stored());
  }

  /** For each channel that is read its a and b; null where one is read in two ways. */
  private static double[][] read(Dataflow flow) throws IOException {
    Map<Value, ChannelLines> known = new HashMap<>();
    known.put(flow.input(), ChannelLines.of(flow.image()));
    for (Operation operation : flow.operations()) {
      if (flow.refusal(operation).isEmpty() && known.keySet().containsAll(operation.values())) {
        List<ChannelLines> outputs = ChannelLines.after(operation, known);
        for (int i = 0; i < outputs.size(); i++) {
          known.put(operation.outputs().get(i), outputs.get(i));
        }
      }
    }
    double[][] lines = new double[flow.image().channels()][];
    for (Map.Entry<Value, ChannelLines> value : known.entrySet()) {
      boolean last =
          value.getKey().consumers().stream().anyMatch(next -> !known.containsKey(next.output()));
      if (last && !value.getValue().addTo(lines)) {
        return null;
      }
    }
    return lines;
  }

  /** 1 for [0, 1], 1/255 for [0, 255]. */
  private static Optional<Double> std(double[][] lines) {
    double smallest = Double.POSITIVE_INFINITY;
    double largest = 0;
    double mean = 0;
    for (double[] line : lines) {
      if (line != null) {
        if (!(line[0] > 0 && line[1] <= 0)) {
          return Optional.empty();
        }
        smallest = Math.min(smallest, line[0]);
        largest = Math.max(largest, line[0]);
        mean = Math.max(mean, -line[1] / line[0]);
      }
    }
    if (largest <= LARGEST_BYTE_FACTOR || mean > LARGEST_UNIT_MEAN) {
      boolean bytes = smallest >= SMALLEST_BYTE_FACTOR && mean < WHITE;
      return bytes && largest > 0 ? Optional.of(1 / WHITE) : Optional.empty();
    }
    boolean unit = smallest >= (mean > 0 ? SMALLEST_UNIT_FACTOR : SMALLEST_BARE_FACTOR);
    return mean < 1 && unit ? Optional.of(1.0) : Optional.empty();
  }

  /** Whether pixels that were standardised by ImageNet's values end on one scale. */
  private static boolean isImageNets(double[][] lines) {
    if (lines.length != InputSpec.IMAGENET_MEAN.size()) {
      return false;
    }
    double slope = 0;
    double start = 0;
    for (int c = 0; c < lines.length; c++) {
      if (lines[c] == null) {
        return false;
      }
      double factor = lines[c][0] / InputSpec.IMAGENET_STD.get(c);
      double offset = lines[c][1] - factor * InputSpec.IMAGENET_MEAN.get(c);
      slope = c == 0 ? factor : slope;
      start = c == 0 ? offset : start;
      double error = TOLERANCE * Math.abs(slope);
      if (!(slope > 0 && Math.abs(factor - slope) <= error && Math.abs(offset - start) <= error)) {
        return false;
      }
    }
    return true;
  }
}
