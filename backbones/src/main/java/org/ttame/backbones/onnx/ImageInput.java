package org.ttame.backbones.onnx;

import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.ttame.backbones.onnx.OnnxModel.GraphInput;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.InputSpec.Layout;
import org.ttame.core.image.InputSpec.Stored;

/**
 * A graph's image, {@code [B, C, H, W]} or {@code [B, H, W, C]}.
 *
 * @param value the image, all of its sizes known
 * @param stored the order of its axes, and its type in the file
 * @param sizeAssumed whether height and width were assumed
 * @param batchFixed whether the file says how many images it takes
 */
record ImageInput(Value value, Stored stored, boolean sizeAssumed, boolean batchFixed) {
  /** Two images, so that a graph that mixes them up is noticed. */
  private static final int FREE_BATCH = 2;

  private static final int FREE_SIDE = 224;
  private static final int RGB = 3;

  /** What may stand between an image and the first layer, and leaves its axes in their order. */
  private static final Set<String> KEEPING =
      Set.of("Cast", "Identity", "Add", "Sub", "Mul", "Div", "QuantizeLinear", "DequantizeLinear");

  /** What moves values of any type. */
  private static final Set<String> MOVING =
      Set.of("Identity", "Transpose", "Gather", "Slice", "Split", "Concat", "Squeeze", "Unsqueeze");

  /**
   * Finds it.
   *
   * @param model the graph
   * @param options what is known of it
   * @param more images beyond the usual two where the batch is free
   * @throws BackboneException if the graph takes something else
   */
  static ImageInput of(OnnxModel model, BackboneOptions options, int more)
      throws BackboneException {
    if (model.inputs().size() != 1) {
      throw new BackboneException(
          Text.format(
              "%s takes %d inputs (%s); a classifier takes one image",
              model.file(),
              model.inputs().size(),
              String.join(", ", model.inputs().stream().map(GraphInput::name).toList())));
    }
    GraphInput input = model.inputs().get(0);
    long[] shape = input.shape() == null ? new long[0] : input.shape().clone();
    if (shape.length != 4) {
      throw new BackboneException(
          Text.format(
              "%s takes an input of shape %s; a classifier of images takes [batch, channels,"
                  + " height, width] or [batch, height, width, channels]",
              model.file(), java.util.Arrays.toString(input.shape())));
    }
    requireCast(model, input);
    Stored stored = new Stored(layout(model, input.name(), shape), type(model, input));
    boolean last = stored.layout() == Layout.NHWC;
    int channel = last ? 3 : 1;
    int row = last ? 1 : 2;
    boolean batchFixed = shape[0] >= 0;
    shape[0] = shape[0] < 0 ? FREE_BATCH + more : shape[0];
    shape[channel] =
        shape[channel] < 0 ? options.mean().map(java.util.List::size).orElse(RGB) : shape[channel];
    Optional<ImageSize> known = known(model, input.name(), shape[row], shape[row + 1], options);
    int square = Math.toIntExact(Math.max(shape[row], shape[row + 1]));
    square = square > 0 ? square : FREE_SIDE;
    ImageSize size = known.orElse(new ImageSize(square, square));
    shape[row] = shape[row] < 0 ? size.height() : shape[row];
    shape[row + 1] = shape[row + 1] < 0 ? size.width() : shape[row + 1];
    return new ImageInput(new Value(input.name(), shape), stored, known.isEmpty(), batchFixed);
  }

  /** What height and width are by anybody's word. */
  private static Optional<ImageSize> known(
      OnnxModel model, String image, long height, long width, BackboneOptions options) {
    if (height > 0 && width > 0) {
      return Optional.of(new ImageSize(Math.toIntExact(height), Math.toIntExact(width)));
    }
    if (height < 0 && width < 0) {
      java.util.OptionalInt positions = PositionGrid.side(model, image);
      if (positions.isPresent()) {
        return Optional.of(new ImageSize(positions.getAsInt(), positions.getAsInt()));
      }
    }
    return options.size();
  }

  /** Told by what reads the image first, else by which axis has as many values as colours. */
  private static Layout layout(OnnxModel model, String image, long[] shape) {
    Set<String> names = new HashSet<>(Set.of(image));
    for (OnnxNode node : model.nodes()) {
      if (node.inputs().stream().noneMatch(names::contains)) {
        continue;
      }
      long[] moved = node.integers("perm");
      if (node.type().equals("Conv")) {
        return Layout.NCHW;
      }
      if (node.type().equals("Transpose")
          && java.util.Arrays.equals(moved, new long[] {0, 3, 1, 2})) {
        return Layout.NHWC;
      }
      if (KEEPING.contains(node.type())) {
        names.addAll(node.outputs());
      }
    }
    boolean first = shape[1] == RGB || shape[1] == 1;
    boolean last = shape[3] == RGB || shape[3] == 1;
    return last && !first ? Layout.NHWC : Layout.NCHW;
  }

  private static InputSpec.Type type(OnnxModel model, GraphInput input) throws BackboneException {
    ElementType type = ElementType.of(input.elementType());
    if (type != null) {
      switch (type) {
        case FLOAT:
          return InputSpec.Type.FLOAT32;
        case DOUBLE:
          return InputSpec.Type.FLOAT64;
        case FLOAT16:
          return InputSpec.Type.FLOAT16;
        case BFLOAT16:
          return InputSpec.Type.BFLOAT16;
        case UINT8:
          return InputSpec.Type.UINT8;
        default:
          break;
      }
    }
    throw new BackboneException(
        Text.format(
            "%s takes images of element type %s; images are of floats or of uint8, export the model"
                + " so",
            model.file(), type == null ? input.elementType() : type));
  }

  /** Bytes are cast to floats before anything is computed of them. */
  private static void requireCast(OnnxModel model, GraphInput input) throws BackboneException {
    if (ElementType.of(input.elementType()) != ElementType.UINT8) {
      return;
    }
    Set<String> bytes = new HashSet<>(Set.of(input.name()));
    for (OnnxNode node : model.nodes()) {
      boolean reads = node.reads().stream().anyMatch(bytes::contains);
      if (reads && MOVING.contains(node.type())) {
        bytes.addAll(node.outputs());
      } else if (reads && !node.type().startsWith("Cast") && !node.type().equals("Shape")) {
        throw new BackboneException(
            Text.format(
                "%s takes images of element type UINT8, which its %s node \"%s\" cannot compute"
                    + " with; have it cast them to float32 first",
                model.file(), node.type(), node.displayName()));
      }
    }
  }

  /** Whether channels are the last axis. */
  boolean channelsLast() {
    return stored.layout() == Layout.NHWC;
  }

  private int row() {
    return channelsLast() ? 1 : 2;
  }

  /** Axis of the channels. */
  int channelAxis() {
    return channelsLast() ? 3 : 1;
  }

  /** The axes in the order in which images come here: batch, rows, columns, channels. */
  int[] order() {
    return new int[] {0, row(), row() + 1, channelAxis()};
  }

  /** How many images the file's shapes are for. */
  long batch() {
    return value.shape()[0];
  }

  /** Height and width. */
  ImageSize size() {
    return new ImageSize(
        Math.toIntExact(value.shape()[row()]), Math.toIntExact(value.shape()[row() + 1]));
  }

  /** C. */
  int channels() {
    return Math.toIntExact(value.shape()[channelAxis()]);
  }

  /** Where its values are. */
  Geometry.Places places() {
    return new Geometry.Places(channelAxis(), row(), row() + 1, size().height(), size().width(), 0);
  }

  /**
   * The size of images that a transformer's position embeddings are for: there is one for each
   * patch of a square grid, after one for each prefix token, and a patch has the side of the
   * convolution that cuts the image into patches.
   */
  private static final class PositionGrid {
    /** A class token, a distillation token or a few registers. */
    private static final int MOST_PREFIX = 8;

    private PositionGrid() {}

    /**
     * Looks for it.
     *
     * @param model a graph whose image has a free height and width
     * @param image the image's name
     * @return height and width, or empty where there are no position embeddings
     */
    static OptionalInt side(OnnxModel model, String image) {
      for (OnnxNode node : model.nodes()) {
        if (!node.type().equals("Conv") || !node.inputs().get(0).equals(image)) {
          continue;
        }
        Constant weight = model.initialisers().get(node.inputs().get(1));
        long[] strides = node.integers("strides");
        if (weight == null
            || weight.shape().length != 4
            || strides == null
            || strides.length != 2) {
          return OptionalInt.empty();
        }
        long[] kernel = weight.shape();
        boolean patches =
            kernel[2] == kernel[3] && kernel[2] == strides[0] && kernel[2] == strides[1];
        return patches ? side(model, (int) kernel[2], kernel[0]) : OptionalInt.empty();
      }
      return OptionalInt.empty();
    }

    private static OptionalInt side(OnnxModel model, int patch, long width) {
      for (Constant constant : model.initialisers().values()) {
        long[] shape = constant.shape();
        if (shape.length == 3 && shape[0] == 1 && shape[2] == width) {
          for (int prefix = 0; prefix <= MOST_PREFIX; prefix++) {
            long grid = Math.round(Math.sqrt((double) shape[1] - prefix));
            if (grid > 1 && grid * grid == shape[1] - prefix) {
              return OptionalInt.of(Math.toIntExact(grid * patch));
            }
          }
        }
      }
      return OptionalInt.empty();
    }
  }
}
