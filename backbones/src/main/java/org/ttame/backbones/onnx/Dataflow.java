package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.ttame.backbones.onnx.OnnxModel.Function;
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
  private static final int MAX_DEPTH = 32;

  private final OnnxModel model;
  private final Budget budget;
  private Map<String, Operand> operands = new HashMap<>();
  private final IdentityHashMap<Operation, String> refusals = new IdentityHashMap<>();
  private final Set<Assumption.Setting> assumed = EnumSet.noneOf(Assumption.Setting.class);

  /** Of those refused, the ones that compute otherwise than in a frozen classifier. */
  private final Set<Operation> notFrozen = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Constants that were made of the sizes of what depends on the image. */
  private final Set<Operand> madeOfSizes = Collections.newSetFromMap(new IdentityHashMap<>());

  private ImageInput image;
  private LogitsOutput output;

  /** What is wanted of the graph: of a classifier the logits. */
  private List<Value> results = List.of();

  /** Operator set of the nodes that are being evaluated: a function may have its own. */
  private long opset;

  /** Whether operators that ONNX defines by simpler ones are written out. */
  private final boolean inSteps;

  private Dataflow(OnnxModel model, boolean inSteps) throws IOException {
    this.model = model;
    this.inSteps = inSteps;
    budget = new Budget(model.file(), model.bytes());
    opset = model.opset();
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
    Dataflow flow = new Dataflow(model, inSteps);
    flow.operands.putAll(model.initialisers());
    flow.image = ImageInput.of(model, options, more);
    flow.operands.put(flow.input().name(), flow.input());
    if (flow.image.sizeAssumed()) {
      flow.assumed.add(Assumption.Setting.SIDE);
    }
    flow.evaluate();
    flow.output = LogitsOutput.of(model, flow.operands, options);
    if (flow.output.assumed()) {
      flow.assumed.add(Assumption.Setting.OUTPUT);
    }
    flow.results = List.of(flow.output.logits());
    flow.connect();
    flow.requireFrozen();
    return flow;
  }

  /**
   * The flow through a graph that need be no classifier, in steps: it has neither {@link #input}
   * nor {@link #output}.
   *
   * @param model the graph
   * @param inputs those of its inputs that stand for the image's data; all others are initialisers
   */
  static Dataflow of(OnnxModel model, List<Value> inputs) throws IOException {
    Dataflow flow = new Dataflow(model, true);
    flow.operands.putAll(model.initialisers());
    inputs.forEach(input -> flow.operands.put(input.name(), input));
    flow.evaluate();
    flow.results =
        model.outputs().stream()
            .map(flow.operands::get)
            .filter(Value.class::isInstance)
            .map(Value.class::cast)
            .toList();
    flow.connect();
    flow.requireFrozen();
    return flow;
  }

  /** What a name of the graph stands for; null where nothing computes it. */
  Operand operand(String name) {
    return operands.get(name);
  }

  /** Whether it is a constant that was made of the sizes of what depends on the image. */
  boolean isMadeOfSizes(Operand operand) {
    return madeOfSizes.contains(operand);
  }

  private void requireFrozen() throws BackboneException {
    for (Operation operation : operations()) {
      if (notFrozen.contains(operation)) {
        throw new BackboneException(
            Text.format(
                "%s was not exported for evaluation: %s; export it after model.eval(), with training=torch.onnx.TrainingMode.EVAL",
                model.file(), refusals.get(operation)));
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
   * Evaluates the nodes that an output depends on: exporters leave others, some with much
   * arithmetic. A constant is let go when its last reader has been evaluated.
   */
  private void evaluate() throws IOException {
    Set<String> read = new HashSet<>(model.outputs());
    Deque<OnnxNode> live = new ArrayDeque<>();
    IdentityHashMap<OnnxNode, List<String>> lastRead = new IdentityHashMap<>();
    for (int i = model.nodes().size() - 1; i >= 0; i--) {
      OnnxNode node = model.nodes().get(i);
      if (node.outputs().stream().anyMatch(read::contains)) {
        live.push(node);
        lastRead.put(node, node.inputs().stream().filter(read::add).toList());
      }
    }
    for (OnnxNode node : live) {
      evaluate(List.of(node), 0);
      for (String name : lastRead.get(node)) {
        operands.computeIfPresent(name, (key, last) -> last instanceof Constant ? null : last);
      }
    }
  }

  private void evaluate(List<OnnxNode> nodes, int depth) throws IOException {
    for (OnnxNode node : nodes) {
      if (depth > 0) {
        budget.node();
      }
      Function function = model.functions().get(OnnxModel.functionKey(node.domain(), node.type()));
      if (function != null) {
        if (depth == MAX_DEPTH) {
          throw new UnsupportedGraphException("its functions are recursive");
        }
        call(node, function, depth + 1);
      } else {
        evaluate(node);
      }
    }
  }

  /** Runs a function's body with its names made local. */
  private void call(OnnxNode node, Function function, int depth) throws IOException {
    Map<String, Operand> outer = operands;
    operands = new HashMap<>();
    for (int i = 0; i < function.inputs().size() && i < node.inputs().size(); i++) {
      Operand argument = outer.get(node.inputs().get(i));
      if (argument != null) {
        operands.put(function.inputs().get(i), argument);
      }
    }
    List<OnnxNode> body = new ArrayList<>();
    for (OnnxNode inner : function.nodes()) {
      Map<String, OnnxAttribute> attributes = new LinkedHashMap<>();
      inner
          .attributes()
          .forEach(
              (name, attribute) -> {
                String reference = attribute.reference();
                OnnxAttribute actual =
                    reference.isEmpty()
                        ? attribute
                        : node.attributes()
                            .getOrDefault(reference, function.defaults().get(reference));
                if (actual != null) {
                  attributes.put(name, actual);
                }
              });
      body.add(
          new OnnxNode(
              node.displayName() + "/" + inner.displayName(),
              inner.domain(),
              inner.type(),
              inner.inputs(),
              inner.outputs(),
              attributes));
    }
    long callers = opset;
    opset = function.opset() > 0 ? function.opset() : callers;
    evaluate(body, depth);
    opset = callers;
    for (int i = 0; i < function.outputs().size() && i < node.outputs().size(); i++) {
      Operand result = operands.get(function.outputs().get(i));
      if (result != null) {
        outer.put(node.outputs().get(i), result);
      }
    }
    operands = outer;
  }

  private void evaluate(OnnxNode node) throws IOException {
    List<Operand> inputs = new ArrayList<>();
    for (String name : node.inputs()) {
      Operand operand = name.isEmpty() ? null : operands.get(name);
      if (operand == null && !name.isEmpty()) {
        throw new BackboneException(
            Text.format(
                "%s: %s node \"%s\" reads \"%s\", which no node produces; the file is damaged, export it again",
                model.file(), node.type(), node.displayName(), name));
      }
      inputs.add(operand);
    }
    String moving = Attributes.notFrozen(node, opset, inputs);
    if (moving != null) {
      notFrozen.add(refuse(node, inputs, moving));
      return;
    }
    try {
      check(node);
      if (inputs.stream().anyMatch(input -> input instanceof Value value && value.isUnknown())) {
        refuse(node, inputs, null);
      } else {
        Optional<Function> steps = inSteps ? Composites.of(node, inputs, opset) : Optional.empty();
        if (steps.isPresent()) {
          call(node, steps.get(), 1);
        } else {
          evaluate(node, inputs);
        }
        refuseOthers(node, inputs);
      }
    } catch (UnsupportedGraphException e) {
      String why = e.getMessage();
      boolean named = why.contains(node.displayName());
      refuse(
          node,
          inputs,
          named
              ? why
              : Text.format(
                  "%s node \"%s\" cannot be read: %s", node.type(), node.displayName(), why));
    }
  }

  /** Outputs of a node that is understood but for them, refused where something reads them. */
  private void refuseOthers(OnnxNode node, List<Operand> inputs) {
    for (String name : node.outputs()) {
      if (!name.isEmpty() && !operands.containsKey(name)) {
        Value output = Value.unknown(name);
        Operation operation = new Operation(node.type(), node, inputs, List.of(output));
        output.producer(operation);
        operands.put(name, output);
        refusals.put(
            operation,
            Text.format(
                "%s node \"%s\" has more than one output", node.type(), node.displayName()));
      }
    }
  }

  private void check(OnnxNode node) {
    if (node.attributes().values().stream().anyMatch(OnnxAttribute::subgraph)) {
      throw new UnsupportedGraphException(
          Text.format("a %s node (\"%s\") has control flow", node.type(), node.displayName()));
    }
    if (!node.domain().isEmpty()) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" is of the operator set %s",
              node.type(), node.displayName(), node.domain()));
    }
    Attributes.check(node, opset);
  }

  private void evaluate(OnnxNode node, List<Operand> inputs) throws IOException {
    budget.inputs(node, inputs);
    boolean sized =
        inputs.stream().anyMatch(this::isMadeOfSizes)
            || (node.type().matches("Shape|Size") && inputs.get(0) instanceof Value);
    if (node.type().equals("Shape") || node.type().equals("Size")) {
      put(node, 0, shape(node, inputs.get(0)));
    } else if (inputs.stream().noneMatch(Value.class::isInstance)) {
      List<Constant> results = Arithmetic.evaluate(node, inputs, opset);
      budget.results(inputs, results);
      for (int i = 0; i < results.size(); i++) {
        put(node, i, results.get(i));
      }
    } else {
      List<Operand> same = Neutral.outputs(node, inputs);
      if (same.isEmpty() || same.contains(null)) {
        operate(node, inputs);
      }
      for (int i = 0; i < same.size(); i++) {
        if (same.get(i) != null) {
          put(node, i, same.get(i));
        }
      }
    }
    if (sized) {
      for (String name : node.outputs()) {
        if (operands.get(name) instanceof Constant made) {
          madeOfSizes.add(made);
        }
      }
    }
  }

  /** A node that is not understood: what it computes is not known, but who reads it. */
  private Operation refuse(OnnxNode node, List<Operand> inputs, String why) {
    List<Value> outputs = node.outputs().stream().map(Value::unknown).toList();
    Operation operation = new Operation(node.type(), node, inputs, outputs);
    for (int i = 0; i < outputs.size(); i++) {
      outputs.get(i).producer(operation);
      put(node, i, outputs.get(i));
    }
    if (why != null) {
      refusals.put(operation, why);
    }
    return operation;
  }

  /**
   * What is not understood among the operations that the logits depend on, from image to logits.
   */
  List<String> refusals() {
    return operations().stream().map(refusals::get).filter(Objects::nonNull).toList();
  }

  /** Why an operation is not understood for itself, not only because of what it reads. */
  Optional<String> refusal(Operation operation) {
    return Optional.ofNullable(refusals.get(operation));
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

  private void operate(OnnxNode given, List<Operand> inputs) throws IOException {
    boolean softmax = given.type().equals("Softmax") || given.type().equals("LogSoftmax");
    OnnxNode node = softmax ? Attributes.alongOneAxis(given, opset, inputs.get(0).shape()) : given;
    boolean multiplies = List.of("Conv", "Gemm", "MatMul").contains(node.type());
    if (multiplies && inputs.get(1) instanceof Constant weight) {
      Budget.weight(node, weight);
    }
    ConverterRegistry registry = ConverterRegistry.all();
    boolean converted = registry.supports(node.type(), model.opset());
    if (converted
        && (!registry.supports(node.type(), opset)
            || registry.converter(node.type(), opset)
                != registry.converter(node.type(), model.opset()))) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" is in a function of operator set %d, in a file of operator set %d",
              node.type(), node.displayName(), opset, model.opset()));
    }
    List<long[]> shapes =
        converted
            ? registry.converter(node.type(), model.opset()).shapes(node, inputs)
            : Shapes.of(node, inputs);
    if (Stream.concat(
            inputs.stream().filter(Value.class::isInstance).map(Operand::shape), shapes.stream())
        .flatMapToLong(LongStream::of)
        .anyMatch(size -> size == 0)) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has an empty tensor as input or output",
              node.type(), node.displayName()));
    }
    for (long[] shape : shapes) {
      Budget.computed(node, shape);
    }
    List<Value> outputs = new ArrayList<>();
    for (int i = 0; i < shapes.size() && i < node.outputs().size(); i++) {
      outputs.add(new Value(node.outputs().get(i), shapes.get(i)));
    }
    Operation operation = new Operation(node.type(), node, inputs, outputs);
    for (int i = 0; i < outputs.size(); i++) {
      outputs.get(i).producer(operation);
      put(node, i, outputs.get(i));
    }
  }

  static Constant shape(OnnxNode node, Operand operand) {
    long[] shape = operand.shape();
    if (node.type().equals("Size")) {
      return Constant.ofIntegers(new long[] {Constant.count(shape)});
    }
    int start = clamp(node.integer("start", 0), shape.length);
    int end = clamp(node.integer("end", shape.length), shape.length);
    long[] part = java.util.Arrays.copyOfRange(shape, start, Math.max(start, end));
    return Constant.ofIntegers(part, part.length);
  }

  private static int clamp(long index, int rank) {
    return (int) Math.max(0, Math.min(rank, index < 0 ? index + rank : index));
  }

  private void put(OnnxNode node, int index, Operand operand) {
    if (index < node.outputs().size() && !node.outputs().get(index).isEmpty()) {
      operands.put(node.outputs().get(index), operand);
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
