package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.image.ImageSize;

/**
 * The graph as it is for one batch size: everything that does not depend on the image is evaluated,
 * so shapes, index arithmetic and folded or unfolded weights all become constants, and what is left
 * is the flow from image to logits.
 */
final class Dataflow {
  private final OnnxModel model;
  private final Evaluation evaluation;
  private final Set<Assumption.Setting> assumed = EnumSet.noneOf(Assumption.Setting.class);
  private ImageInput image;
  private LogitsOutput output;

  /** What is wanted of the graph: of a classifier the logits. */
  private List<Value> results = List.of();

  private Dataflow(OnnxModel model, Evaluation evaluation) {
    this.model = model;
    this.evaluation = evaluation;
  }

  /** The flow through a classifier whose operators are those of the file. */
  static Dataflow of(OnnxModel model, BackboneOptions options) throws IOException {
    return of(model, options, false, 0);
  }

  /** The same, with operators that {@link Composites} knows written out in their steps. */
  static Dataflow inSteps(OnnxModel model, BackboneOptions options) throws IOException {
    return of(model, options, true, 0);
  }

  /** The same, for some images more than are usual where the batch is free. */
  static Dataflow inSteps(OnnxModel model, BackboneOptions options, int more) throws IOException {
    return of(model, options, true, more);
  }

  private static Dataflow of(OnnxModel model, BackboneOptions options, boolean inSteps, int more)
      throws IOException {
    ImageInput image = ImageInput.of(model, options, more);
    Dataflow flow = new Dataflow(model, evaluation(model, options, image, inSteps));
    flow.image = image;
    if (image.sizeAssumed()) {
      flow.assumed.add(Assumption.Setting.SIDE);
    }
    flow.output = LogitsOutput.of(model, flow.evaluation.operands(), options);
    if (flow.output.assumed()) {
      flow.assumed.add(Assumption.Setting.OUTPUT);
    }
    flow.results = List.of(flow.output.logits());
    flow.connect();
    flow.requireFrozen();
    return flow;
  }

  /**
   * Evaluates; conditionals that take another branch for one image, or one more, are refused if the
   * batch is free.
   */
  private static Evaluation evaluation(
      OnnxModel model, BackboneOptions options, ImageInput image, boolean inSteps)
      throws IOException {
    List<Value> input = List.of(image.value());
    Evaluation evaluation = Evaluation.of(model, input, inSteps, Set.of());
    if (evaluation.decidedBySizes().isEmpty() || image.batchFixed()) {
      return evaluation;
    }
    List<Evaluation.Decision> decisions = evaluation.decidedBySizes();
    Set<String> byBatch = new HashSet<>();
    for (int more : new int[] {-1, 1}) {
      List<Value> others = List.of(ImageInput.of(model, options, more).value());
      List<Evaluation.Decision> other =
          Evaluation.of(model, others, inSteps, Set.of()).decidedBySizes();
      for (int i = 0; i < decisions.size(); i++) {
        if (i >= other.size() || !decisions.get(i).equals(other.get(i))) {
          byBatch.add(decisions.get(i).conditional());
        }
      }
    }
    return byBatch.isEmpty() ? evaluation : Evaluation.of(model, input, inSteps, byBatch);
  }

  /**
   * The flow through a graph that need be no classifier, in steps: it has neither {@link #input}
   * nor {@link #output}.
   *
   * @param model the graph
   * @param inputs those of its inputs that stand for the image's data; all others are initialisers
   */
  static Dataflow of(OnnxModel model, List<Value> inputs) throws IOException {
    Dataflow flow = new Dataflow(model, Evaluation.of(model, inputs, true, Set.of()));
    flow.results =
        model.outputs().stream()
            .map(flow::operand)
            .filter(Value.class::isInstance)
            .map(Value.class::cast)
            .toList();
    flow.connect();
    flow.requireFrozen();
    return flow;
  }

  /** What a name of the graph stands for; null where nothing computes it. */
  Operand operand(String name) {
    return evaluation.operands().get(name);
  }

  /** Whether it is a constant that was made of the sizes of what depends on the image. */
  boolean isMadeOfSizes(Operand operand) {
    return evaluation.isMadeOfSizes(operand);
  }

  private void requireFrozen() throws BackboneException {
    for (Operation operation : operations()) {
      if (evaluation.isNotFrozen(operation)) {
        throw new BackboneException(
            Text.format(
                "%s was not exported for evaluation: %s; export it after model.eval(), with training=torch.onnx.TrainingMode.EVAL",
                model.file(), evaluation.refusal(operation).orElseThrow()));
      }
    }
  }

  /** The image, and how the file has it. */
  ImageInput image() {
    return image;
  }

  /** The image, {@code [B, C, H, W]} or {@code [B, H, W, C]}. */
  Value input() {
    return image.value();
  }

  /** The output that has the logits. */
  LogitsOutput output() {
    return output;
  }

  /** The logits, {@code [B, K]}; of a softmax at the end, its input. */
  Value logits() {
    return output.logits();
  }

  /** What nobody has said of the graph. */
  Set<Assumption.Setting> assumed() {
    return assumed;
  }

  int batch() {
    return Math.toIntExact(image.batch());
  }

  /**
   * Height and width of square RGB images with channels first, which are all that families take.
   *
   * @throws UnsupportedGraphException if images are others
   */
  int side() {
    ImageSize size = image.size();
    if (size.height() != size.width() || image.channels() != 3 || image.channelsLast()) {
      throw new UnsupportedGraphException(
          "its images are not square RGB images with channels first");
    }
    return size.height();
  }

  /**
   * What is not understood among the operations that the logits depend on, from image to logits.
   */
  List<String> refusals() {
    return operations().stream().map(evaluation::refusal).flatMap(Optional::stream).toList();
  }

  /** Why an operation is not understood for itself, not only because of what it reads. */
  Optional<String> refusal(Operation operation) {
    return evaluation.refusal(operation);
  }

  /**
   * Makes sure that everything is understood.
   *
   * @throws UnsupportedGraphException naming the first operation that is not
   */
  void requireUnderstood() {
    List<String> why = refusals();
    if (!why.isEmpty()) {
      throw new UnsupportedGraphException(why.get(0));
    }
  }

  /** Notes who reads what, among the operations that the logits depend on. */
  void connect() {
    Reach.connect(results);
  }

  /** The operations that the logits depend on, from image to logits. */
  List<Operation> operations() {
    return Reach.operations(results);
  }
}
