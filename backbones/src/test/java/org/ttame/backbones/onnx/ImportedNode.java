package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.graph.LayerWriter;
import org.ttame.backbones.onnx.ConformanceCase.Kind;
import org.ttame.backbones.onnx.ConformanceCase.Outcome;
import org.ttame.backbones.onnx.OnnxModel.GraphInput;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.Precision;

/**
 * A node test taken as part of a classifier: some of its inputs come from the image, the others are
 * the file's, images lie along one axis, and the values lie in memory in some order of axes.
 *
 * @param values the inputs that come from the image
 * @param batch the axis of each of them, counted from the last one, that the images lie on; 0 for
 *     none: what a graph computes at its own batch
 * @param channelsLast whether they lie with axis 1 last
 */
record ImportedNode(Set<String> values, int batch, boolean channelsLast)
    implements ConformanceCase.Runner {
  /** Of a form that nobody asked for: another choice of the inputs or of the axis says more. */
  private static final Pattern OF_THE_CHOICE =
      Pattern.compile(
          ".*(does not have a constant as input|should have the image's data as input|the images of a batch|no batch on).*");

  /**
   * Runs a test in every way in which a classifier may hold it.
   *
   * @return wrong if it is wrong in any, else passed if it passes in any
   */
  static Outcome outcome(ConformanceCase test) throws IOException {
    List<Outcome> outcomes = new ArrayList<>();
    for (ImportedNode way : ways(test)) {
      Outcome outcome = test.run(way);
      if (outcome.kind() == Kind.WRONG) {
        return new Outcome(Kind.WRONG, way + ": " + outcome.reason());
      }
      boolean only = outcome.kind() == Kind.PASSED && way.batch == 0;
      outcomes.add(only ? new Outcome(Kind.PASSED_AT_ITS_OWN_BATCH, "") : outcome);
    }
    Optional<Outcome> passed =
        Stream.of(Kind.PASSED, Kind.PASSED_AT_ITS_OWN_BATCH)
            .flatMap(kind -> outcomes.stream().filter(outcome -> outcome.kind() == kind))
            .findFirst();
    return passed.orElseGet(
        () ->
            outcomes.stream()
                .filter(outcome -> !OF_THE_CHOICE.matcher(outcome.reason()).matches())
                .findFirst()
                .orElse(
                    outcomes.isEmpty()
                        ? new Outcome(
                            Kind.REFUSED, "no input has an axis for the images of a batch")
                        : outcomes.get(0)));
  }

  static List<ImportedNode> ways(ConformanceCase test) throws IOException {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    try (OnnxModel model = OnnxParser.parse(test.file())) {
      for (GraphInput input : model.inputs()) {
        if (ElementType.of(input.elementType()) == ElementType.FLOAT) {
          ranks.put(input.name(), input.shape().length);
        }
      }
    }
    Collection<Set<String>> choices = new ArrayList<>();
    ranks.keySet().forEach(name -> choices.add(Set.of(name)));
    if (ranks.size() > 1) {
      choices.add(ranks.keySet());
    }
    List<ImportedNode> ways = new ArrayList<>();
    for (Set<String> choice : choices) {
      int rank = choice.stream().mapToInt(ranks::get).max().orElse(0);
      for (int batch = rank; batch >= 0; batch--) {
        ways.add(new ImportedNode(choice, batch, false));
        if (rank > 2) {
          ways.add(new ImportedNode(choice, batch, true));
        }
      }
    }
    return ways;
  }

  @Override
  public Map<String, Constant> run(OnnxModel model, Map<String, Constant> inputs)
      throws IOException {
    List<Value> fromImage = new ArrayList<>();
    Map<String, Constant> known = new HashMap<>(model.initialisers());
    Set<Long> images = new TreeSet<>();
    for (Map.Entry<String, Constant> input : inputs.entrySet()) {
      if (values.contains(input.getKey())) {
        long[] shape = input.getValue().shape();
        if (shape.length < batch) {
          throw new UnsupportedGraphException("has no batch on each input");
        }
        images.add(batch == 0 ? 1 : shape[shape.length - batch]);
        fromImage.add(new Value(input.getKey(), shape));
      } else {
        known.put(input.getKey(), input.getValue());
      }
    }
    if (images.size() != 1) {
      throw new UnsupportedGraphException("has no batch on each input");
    }
    Dataflow flow =
        Dataflow.of(
            new OnnxModel(
                model.file(),
                model.producer(),
                model.opset(),
                model.nodes(),
                known,
                List.of(),
                model.outputs(),
                model.functions(),
                List.of()),
            fromImage);
    List<Operation> operations = Importer.operations(flow, model.opset());
    Map<String, INDArray> fed = new HashMap<>();
    Map<String, Emitter.Weight> weights = new HashMap<>();
    Recipe.Scratch scratch = new Recipe.Scratch();
    try (LayerWriter writer =
        new LayerWriter(
            (name, shape) -> weights.get(name).make().make(name, scratch, DataType.FLOAT, shape),
            DataType.FLOAT,
            Precision.FLOAT32)) {
      Emitter emitter = new Emitter(writer, Geometry.unknown(), images.iterator().next(), weights);
      if (batch == 0) {
        emitter.keepOwnBatch();
      }
      for (Value value : fromImage) {
        fed.put(emitter.name(value), handOver(value, inputs.get(value.name()), emitter));
      }
      List<String> refusals = emitter.write(operations, model.opset());
      if (!refusals.isEmpty()) {
        throw new UnsupportedGraphException(String.join("; ", refusals));
      }
      return results(model, flow, emitter, fed);
    }
  }

  /** Makes a placeholder of an input and the array that goes there. */
  private INDArray handOver(Value value, Constant given, Emitter emitter) throws IOException {
    int rank = value.rank();
    int[] order = channelsLast && rank > 2 ? Tensor.channelsLast(rank) : Tensor.plain(rank);
    int axis = batch == 0 ? Tensor.NONE : rank - batch;
    SDVariable placeholder =
        emitter
            .graph()
            .placeHolder(
                emitter.name(value), DataType.FLOAT, Emitter.sizes(value.shape(), order, axis));
    emitter.put(value, placeholder, order, axis);
    Constant lying = given.transpose(order);
    return Nd4j.create(lying.values(), lying.shape(), 'c').castTo(DataType.FLOAT);
  }

  private static Map<String, Constant> results(
      OnnxModel model, Dataflow flow, Emitter emitter, Map<String, INDArray> fed)
      throws IOException {
    Map<String, Constant> results = new HashMap<>();
    Map<String, String> computed = new LinkedHashMap<>();
    for (String output : model.outputs()) {
      if (flow.operand(output) instanceof Value value) {
        Tensor tensor = emitter.tensor(value);
        String name = emitter.arrange(tensor, Tensor.plain(tensor.rank())).variable().name();
        if (fed.containsKey(name)) {
          results.put(output, constant(fed.get(name)));
        } else {
          computed.put(output, name);
        }
      } else {
        results.put(output, (Constant) flow.operand(output));
      }
    }
    if (!computed.isEmpty()) {
      Set<String> names = new TreeSet<>(computed.values());
      try (GraphRunner runner = GraphRunner.of(emitter.graph());
          GraphResult result = runner.run(fed, names)) {
        for (Map.Entry<String, String> output : computed.entrySet()) {
          results.put(output.getKey(), constant(result.output(output.getValue())));
        }
        if (runner.plannedBytes(fed, Set.of(), null, names, Set.of()) == 0) {
          throw new IllegalStateException("it has no plan");
        }
      }
    }
    return results;
  }

  private static Constant constant(INDArray array) {
    double[] values = array.dup('c').data().asDouble();
    return Constant.ofValues(values, false, array.shape());
  }

  @Override
  public String toString() {
    return values.stream().sorted().collect(Collectors.joining(" and "))
        + " from the image, "
        + (batch == 0 ? "at its own batch" : "batch on axis -" + batch)
        + (channelsLast ? ", channels last" : "");
  }
}
