package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;

/** Makes an {@link ImportedGraph} of a file, whatever family it is of. */
final class Importer {
  /** What published numbers are for, and no other network of that name. */
  private static final Set<String> PUBLISHED = Set.of("vgg16", "resnet50", "vit_b_16");

  /** Operators on shapes, which are evaluated where the shapes are known. */
  private static final Set<String> EVALUATED =
      Set.of(
          "Shape",
          "Size",
          "ConstantOfShape",
          "Range",
          "Equal",
          "Greater",
          "Less",
          "Not",
          "Where",
          "Floor",
          "Ceil",
          "ScatterND");

  private Importer() {}

  /**
   * Imports.
   *
   * @param model the file
   * @param options what is known of it
   * @return the graph
   * @throws UnsupportedGraphException naming everything that is not supported
   */
  static Families.Recognised read(OnnxModel model, BackboneOptions options) throws IOException {
    Dataflow flow = Dataflow.inSteps(model, options);
    List<String> sizes =
        !flow.image().batchFixed() && FreeBatch.isInDoubt(flow)
            ? FreeBatch.refusals(flow, Dataflow.inSteps(model, options, 1))
            : List.of();
    Optional<InputSpec> input = InnerStandardisation.of(flow);
    ImportedGraph graph =
        new ImportedGraph(
            name(model.file()),
            model.opset(),
            flow.image(),
            flow.logits(),
            operations(flow, model.opset(), sizes),
            flow.image().batchFixed());
    return new Families.Recognised(
        new OnnxBackbone.Found(graph, graph::weight, graph::values), flow, input);
  }

  /**
   * The operations of a graph in their simplest forms.
   *
   * @param flow the graph's
   * @param opset the version of the operator set that it is written in
   * @throws UnsupportedGraphException naming everything that is not supported
   */
  static List<Operation> operations(Dataflow flow, long opset) throws IOException {
    return operations(flow, opset, List.of());
  }

  private static List<Operation> operations(Dataflow flow, long opset, List<String> sizes)
      throws IOException {
    Map<String, List<Operation>> unknown = new TreeMap<>();
    Set<String> refusals = new LinkedHashSet<>();
    for (Operation operation : flow.operations()) {
      Optional<String> refused = flow.refusal(operation);
      String type = operation.type();
      boolean supported = ConverterRegistry.all().supports(type, opset);
      if (!supported && refused.isEmpty() && EVALUATED.contains(type)) {
        // Of a shape that would be known if what comes before were understood.
        continue;
      }
      boolean known = Attributes.know(type, opset) || type.equals("If");
      if (supported || (refused.isPresent() && known)) {
        refused.ifPresent(refusals::add);
      } else {
        unknown.computeIfAbsent(type, key -> new ArrayList<>()).add(operation);
      }
    }
    List<String> all = new ArrayList<>();
    unknown.forEach((type, nodes) -> all.add(describe(type, nodes)));
    all.addAll(refusals);
    all.addAll(sizes);
    if (!all.isEmpty()) {
      throw new UnsupportedGraphException("not supported are " + String.join("; ", all), all);
    }
    Fusion.apply(flow);
    List<Operation> operations = flow.operations();
    for (Operation operation : operations) {
      keepSmallConstants(operation.inputs());
    }
    return operations;
  }

  /** The graph is written again after the file has been closed; only weights are read from it. */
  private static void keepSmallConstants(List<Operand> operands) throws IOException {
    for (int i = 0; i < operands.size(); i++) {
      if (operands.get(i) instanceof Constant constant && ImportedGraph.isInline(constant)) {
        operands.set(i, Constant.ofValues(constant.values(), constant.integer(), constant.shape()));
      }
    }
  }

  /** {@code 3 Gelu nodes, the first "/blocks.0/mlp/act/Gelu"}. */
  private static String describe(String type, List<Operation> nodes) {
    String first = nodes.get(0).node().displayName();
    return nodes.size() == 1
        ? Text.format("1 %s node, \"%s\"", type, first)
        : Text.format("%d %s nodes, the first \"%s\"", nodes.size(), type, first);
  }

  private static String name(Path file) {
    String name = String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
    return PUBLISHED.contains(name) ? "imported-" + name : name;
  }

  /**
   * Makes sure that a graph whose batch is free computes the same for each image whatever the size
   * of the batch: that no number in it was made of that size, as by {@code x / x.shape[0]}. The
   * graph is read for one more image, and what its operations read is compared.
   */
  private static final class FreeBatch {
    /** Operators that take sizes: what they give has them, and is checked by its shape. */
    private static final Set<String> SIZED =
        Set.of("Reshape", "Expand", "Tile", "Resize", "Upsample", "Unsqueeze", "Squeeze");

    private FreeBatch() {}

    /** Whether a number that was made of sizes meets one of the image. */
    static boolean isInDoubt(Dataflow flow) {
      return flow.operations().stream()
          .anyMatch(
              operation ->
                  !SIZED.contains(operation.type())
                      && operation.inputs().stream().anyMatch(flow::isMadeOfSizes));
    }

    /**
     * Compares a graph with itself for another number of images.
     *
     * @return for each operation that reads something else, what is to be said of it
     */
    static List<String> refusals(Dataflow flow, Dataflow other) throws IOException {
      List<Operation> operations = flow.operations();
      List<Operation> others = other.operations();
      List<String> refusals = new ArrayList<>();
      int common = Math.min(operations.size(), others.size());
      if (operations.size() != others.size()) {
        List<Operation> longer = operations.size() > common ? operations : others;
        refusals.add(longer.get(common) + " is in the graph at some batch sizes only");
      }
      for (int i = 0; i < common; i++) {
        if (!readsTheSame(flow, operations.get(i), others.get(i))) {
          refusals.add(operations.get(i) + " reads a number that depends on the batch size");
        }
      }
      return refusals;
    }

    private static boolean readsTheSame(Dataflow flow, Operation operation, Operation same)
        throws IOException {
      boolean alike =
          operation.is(same.type()) && operation.inputs().size() == same.inputs().size();
      for (int k = 0; alike && k < operation.inputs().size(); k++) {
        alike =
            !(operation.input(k) instanceof Constant constant)
                || SIZED.contains(operation.type())
                || !flow.isMadeOfSizes(constant)
                || (same.input(k) instanceof Constant counterpart
                    && isAlike(constant, counterpart));
      }
      return alike;
    }

    /** The same, or the same for the first image of either. */
    private static boolean isAlike(Constant constant, Constant other) throws IOException {
      long[] shape = constant.shape();
      long[] counterpart = other.shape();
      if (shape.length != counterpart.length) {
        return false;
      }
      Constant first = constant;
      Constant second = other;
      for (int axis = 0; axis < shape.length; axis++) {
        if (shape[axis] != counterpart[axis]) {
          first = first.slice(axis, 0, 1, 1);
          second = second.slice(axis, 0, 1, 1);
        }
      }
      return Arrays.equals(first.values(), second.values());
    }
  }
}
