package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.ttame.backbones.onnx.OnnxModel.Function;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;

/**
 * Evaluates a graph's nodes for one batch size: what does not depend on the image becomes a
 * constant, what does an operation. Functions are run with their arguments; of a conditional whose
 * condition is a constant, the branch that it takes. What is not understood is noted and passed.
 */
final class Evaluation {
  private static final int MAX_DEPTH = 32;

  private final OnnxModel model;
  private final Budget budget;

  /** Whether operators that ONNX defines by simpler ones are written out. */
  private final boolean inSteps;

  /** Conditionals that take another branch for another number of images, by name. */
  private final Set<String> decidedByBatch;

  /**
   * A branch that a conditional takes.
   *
   * @param conditional name of the node
   * @param holds whether its condition does
   */
  record Decision(String conditional, boolean holds) {
    private boolean isOf(OnnxNode node) {
      return conditional.equals(node.displayName());
    }
  }

  private Map<String, Operand> operands = new HashMap<>();
  private final IdentityHashMap<Operation, String> refusals = new IdentityHashMap<>();

  /** Of those refused, the ones that compute otherwise than in a frozen classifier. */
  private final Set<Operation> notFrozen = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Constants that were made of the sizes of what depends on the image. */
  private final Set<Operand> madeOfSizes = Collections.newSetFromMap(new IdentityHashMap<>());

  /** In the order of evaluation: names of nodes need not differ. */
  private final List<Decision> decidedBySizes = new ArrayList<>();

  /** Operator set of the nodes that are being evaluated: a function may have its own. */
  private long opset;

  private Evaluation(OnnxModel model, boolean inSteps, Set<String> decidedByBatch)
      throws IOException {
    this.model = model;
    this.inSteps = inSteps;
    this.decidedByBatch = decidedByBatch;
    budget = new Budget(model.file(), model.bytes());
    opset = model.opset();
    operands.putAll(model.initialisers());
  }

  /**
   * Evaluates a graph.
   *
   * @param model the graph
   * @param inputs those of its inputs that stand for the image's data; all others are initialisers
   * @param inSteps whether operators that {@link Composites} knows are written out in their steps
   * @param decidedByBatch conditionals that are refused, by name: {@link #decidedBySizes} differs
   *     for another number of images
   */
  static Evaluation of(
      OnnxModel model, List<Value> inputs, boolean inSteps, Set<String> decidedByBatch)
      throws IOException {
    Evaluation evaluation = new Evaluation(model, inSteps, decidedByBatch);
    inputs.forEach(input -> evaluation.operands.put(input.name(), input));
    evaluation.evaluate();
    return evaluation;
  }

  /** What each name of the graph stands for; constants are let go after their last reader. */
  Map<String, Operand> operands() {
    return operands;
  }

  /** Whether it is a constant that was made of the sizes of what depends on the image. */
  boolean isMadeOfSizes(Operand operand) {
    return madeOfSizes.contains(operand);
  }

  /** Whether it computes otherwise than in a frozen classifier. */
  boolean isNotFrozen(Operation operation) {
    return notFrozen.contains(operation);
  }

  /** Which branch conditionals take whose conditions are made of sizes, in order. */
  List<Decision> decidedBySizes() {
    return decidedBySizes;
  }

  /** Why an operation is not understood for itself, not only because of what it reads. */
  Optional<String> refusal(Operation operation) {
    return Optional.ofNullable(refusals.get(operation));
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
        lastRead.put(node, node.reads().stream().filter(read::add).toList());
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
      Function branch = function == null ? branch(node) : null;
      if (function == null && branch == null) {
        evaluate(node);
        continue;
      }
      if (depth == MAX_DEPTH) {
        throw new UnsupportedGraphException("its functions are recursive");
      }
      if (function != null) {
        call(node, function, new HashMap<>(), depth + 1);
      } else {
        call(node, branch, new HashMap<>(operands), depth + 1);
      }
    }
  }

  /** The branch that a conditional takes; null for any other node, or where the image decides. */
  private Function branch(OnnxNode node) throws IOException {
    boolean conditional = node.domain().isEmpty() && node.type().equals("If");
    if (!conditional
        || node.inputs().isEmpty()
        || !(operands.get(node.inputs().get(0)) instanceof Constant condition)
        || condition.size() != 1
        || decidedByBatch.contains(node.displayName())) {
      return null;
    }
    boolean holds = condition.scalar() != 0;
    OnnxAttribute taken = node.attributes().get(holds ? "then_branch" : "else_branch");
    if (taken == null || taken.graph() == null || !taken.graph().inputs().isEmpty()) {
      return null;
    }
    if (isMadeOfSizes(condition)) {
      decidedBySizes.add(new Decision(node.displayName(), holds));
    }
    budget.values(operands.size());
    return taken.graph();
  }

  /** Runs a body; the names that it adds to those that it sees are its own. */
  private void call(OnnxNode node, Function function, Map<String, Operand> seen, int depth)
      throws IOException {
    Map<String, Operand> outer = operands;
    operands = seen;
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
        if (result instanceof Constant && decidedBySizes.stream().anyMatch(d -> d.isOf(node))) {
          madeOfSizes.add(result);
        }
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
          call(node, steps.get(), new HashMap<>(), 1);
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
    if (node.attributes().values().stream().anyMatch(attribute -> attribute.graph() != null)) {
      String why =
          node.type().equals("If")
              ? "has a condition that depends on the image or on the batch size"
              : "has control flow";
      throw new UnsupportedGraphException(
          Text.format("%s node \"%s\" %s", node.type(), node.displayName(), why));
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
      put(node, 0, Shapes.sizes(node, inputs.get(0)));
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

  private void put(OnnxNode node, int index, Operand operand) {
    if (index < node.outputs().size() && !node.outputs().get(index).isEmpty()) {
      operands.put(node.outputs().get(index), operand);
    }
  }
}
