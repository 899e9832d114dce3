package org.ttame.backbones.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.OutputKind;

/**
 * Which of a graph's outputs has the logits, and what they mean. A second head is never passed over
 * in silence: one is named by the user, or is the only list of class scores, or its name or its
 * place behind all others says that it is the classifier's answer, which counts as assumed.
 *
 * @param name of the output
 * @param logits its value, {@code [B, K]} or {@code [B, 1]}; of a softmax or sigmoid at the end,
 *     what goes into it
 * @param kind what they mean
 * @param assumed whether the choice between several was made without the user's word
 * @param all the graph's outputs with their shapes, for people
 */
record LogitsOutput(String name, Value logits, OutputKind kind, boolean assumed, String all) {
  /** A probability below is taken for this one: the logarithm of zero is no logit. */
  private static final double LEAST_PROBABILITY = 1e-30;

  /** Operators that make no logits of probabilities, if all of their values are such. */
  private static final Set<String> KEEPS_PROBABILITIES =
      Set.of(
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Sum",
          "Mean",
          "Max",
          "Min",
          "Clip",
          "Relu",
          "Abs",
          "Pow",
          "Sqrt",
          "Identity",
          "Cast",
          "Concat",
          "Reshape",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "Transpose",
          "Slice",
          "Split",
          "Gather",
          "Expand",
          "ReduceMean",
          "ReduceMax");

  private static final Pattern TELLING =
      Pattern.compile("logit|prob|score|softmax|class|pred", Pattern.CASE_INSENSITIVE);

  /**
   * Chooses.
   *
   * @param model the graph
   * @param operands what is known by name
   * @param options what the user says
   * @throws BackboneException listing the outputs, if the user has to choose
   */
  static LogitsOutput of(OnnxModel model, Map<String, Operand> operands, BackboneOptions options)
      throws BackboneException {
    String all =
        model.outputs().stream()
            .map(output -> Text.format("%s %s", output, shape(operands.get(output))))
            .collect(Collectors.joining(", "));
    Map<String, Value> heads = new LinkedHashMap<>();
    Map<String, Value> nested = new LinkedHashMap<>();
    for (String output : model.outputs()) {
      if (operands.get(output) instanceof Value value) {
        if (scores(value)) {
          heads.put(output, value);
        } else if (isNested(bare(value))) {
          nested.put(output, value);
        }
      }
    }
    if (heads.isEmpty() || options.output().filter(nested::containsKey).isPresent()) {
      // Beside a list of scores, [B, K, 1, 1] would be features.
      heads.putAll(nested);
    }
    if (options.output().isPresent()) {
      String wanted = options.output().get();
      if (!heads.containsKey(wanted)) {
        throw new BackboneException(
            Text.format(
                "%s has no output \"%s\" that is a list of class scores, [batch, classes]; its outputs are %s",
                model.file(), wanted, all));
      }
      return of(wanted, heads.get(wanted), options.outputKind(), false, all);
    }
    if (heads.isEmpty()) {
      throw new UnsupportedGraphException(
          Text.format(
              "none of its outputs is a list of class scores, [batch, classes]: %s",
              all.isEmpty() ? "it has none" : all));
    }
    if (options.classes().isPresent()) {
      Map<String, Value> fitting = new LinkedHashMap<>(heads);
      fitting
          .values()
          .removeIf(head -> head.isUnknown() || classes(head) != options.classes().getAsInt());
      heads = fitting.isEmpty() ? heads : fitting;
    }
    boolean several = heads.values().stream().map(LogitsOutput::bare).distinct().count() > 1;
    List<String> names = several ? telling(heads) : List.copyOf(heads.keySet()).subList(0, 1);
    if (names.stream().map(heads::get).map(LogitsOutput::bare).distinct().count() != 1) {
      throw new BackboneException(
          Text.format(
              "%s has several outputs that could be the classifier's prediction; choose one with option 'output': %s",
              model.file(), all));
    }
    return of(names.get(0), heads.get(names.get(0)), options.outputKind(), several, all);
  }

  /** Finds out, or is told, what an output means. */
  private static LogitsOutput of(
      String name, Value output, Optional<OutputKind> given, boolean assumed, String all) {
    Value logits = flat(bare(output));
    boolean single = !logits.isUnknown() && logits.shape()[1] == 1;
    Operation last = activation(output);
    boolean sigmoid = last != null && last.is("Sigmoid");
    boolean softmax = last != null && !sigmoid;
    if (last == null) {
      refuseSquashed(name, output, single, given);
    }
    if (single && softmax) {
      throw new UnsupportedGraphException(
          Text.format(
              "the output \"%s\" ends in %s over a single class, which is always 1: there is nothing to explain",
              name, last));
    }
    if (single && !sigmoid && given.filter(OutputKind.PROBABILITIES::equals).isPresent()) {
      throw new UnsupportedGraphException(
          Text.format(
              "the output \"%s\" is one probability that is not the output of a Sigmoid: cut the graph where its logit is, and give that",
              name));
    }
    OutputKind found =
        sigmoid ? OutputKind.MULTI_LABEL : softmax ? OutputKind.PROBABILITIES : OutputKind.LOGITS;
    OutputKind kind = single ? OutputKind.ONE_LOGIT : given.orElse(found);
    if (kind == OutputKind.MULTI_LABEL && softmax) {
      throw new UnsupportedGraphException(
          Text.format(
              "the output \"%s\" ends in %s: its classes are mutually exclusive, so"
                  + " they are not multi-label scores",
              name, last));
    }
    if (kind == OutputKind.PROBABILITIES && sigmoid) {
      throw new UnsupportedGraphException(
          Text.format(
              "the output \"%s\" ends in %s: its classes are independent; give"
                  + " option 'output-kind' multi-label",
              name, last));
    }
    if (kind == OutputKind.PROBABILITIES && !softmax && !logits.isUnknown()) {
      logits = logarithm(logits);
    }
    return new LogitsOutput(name, logits, kind, assumed, all);
  }

  /** A list of scores for each image, or one score for each. */
  private static boolean scores(Value value) {
    return value.isUnknown() || bare(value).rank() == 2;
  }

  /** Whether it is a list of scores for each image among axes of one: {@code [B, K, 1, 1]}. */
  private static boolean isNested(Value value) {
    return !value.isUnknown()
        && value.rank() > 2
        && Arrays.stream(value.shape()).skip(1).filter(size -> size != 1).count() <= 1;
  }

  /** Nested scores as {@code [B, K]}. */
  private static Value flat(Value scores) {
    return isNested(scores)
        ? operation("Flatten", new long[] {scores.shape()[0], classesOf(scores)}, scores)
        : scores;
  }

  private static long classesOf(Value scores) {
    return Arrays.stream(scores.shape()).skip(1).reduce(1, (a, b) -> a * b);
  }

  /** What an activation that ends a graph was given, with an axis of its own for a single score. */
  private static Value bare(Value output) {
    Operation last = activation(output);
    return unsqueezed(last == null ? output : last.value(0));
  }

  /** The softmax or sigmoid that an output comes out of; null if it comes out of neither. */
  static Operation activation(Value output) {
    Value value = unsqueezed(output);
    Operation last = value.producer();
    if (last == null) {
      return null;
    }
    return last.is("Sigmoid") || (last.is("Softmax", "LogSoftmax") && overClasses(value, last))
        ? last
        : null;
  }

  /** Of a single score for each image, {@code [B]}, the {@code [B, 1]} that it was made of. */
  private static Value unsqueezed(Value value) {
    Value at = value;
    while (!at.isUnknown()
        && at.rank() == 1
        && at.producer() != null
        && at.producer().is("Squeeze", "Reshape", "Flatten")) {
      at = at.producer().value(0);
    }
    return at;
  }

  private static boolean overClasses(Value value, Operation softmax) {
    if (value.isUnknown()) {
      return softmax.value(0).isUnknown();
    }
    int axis = Movement.axis(softmax.node().integer("axis", -1), value.rank());
    return isNested(value)
        ? axis > 0 && value.shape()[axis] == classesOf(value)
        : axis == value.rank() - 1;
  }

  /** Probabilities that were clipped, averaged or put together: taken for logits they would lie. */
  private static void refuseSquashed(
      String name, Value output, boolean single, Optional<OutputKind> given) {
    Optional<Operation> squashing = squashing(output, new IdentityHashMap<>());
    boolean told =
        given.filter(kind -> kind != OutputKind.MULTI_LABEL).isPresent()
            && squashing.filter(last -> last.is("HardSigmoid")).isEmpty();
    if (squashing.isPresent() && !told) {
      throw new UnsupportedGraphException(
          Text.format(
              "the scores of output \"%s\" are computed from the probabilities of %s, so they are no logits; %s",
              name,
              squashing.get(),
              single
                  ? "cut the graph before it"
                  : "give option 'output-kind' probabilities if they add up to 1, or cut the graph before it"));
    }
  }

  /**
   * What ends in probabilities, if nothing but fixed arithmetic and moves lies between it and a
   * value.
   */
  private static Optional<Operation> squashing(
      Value value, IdentityHashMap<Value, Optional<Operation>> known) {
    Operation last = value.producer();
    if (last == null) {
      return Optional.empty();
    }
    if (last.is("Sigmoid", "HardSigmoid", "Softmax") || isShare(last)) {
      return Optional.of(last);
    }
    if (!last.is(KEEPS_PROBABILITIES.toArray(String[]::new))
        || last.inputs().stream().anyMatch(LogitsOutput::isTable)) {
      return Optional.empty();
    }
    Optional<Operation> found = known.get(value);
    if (found == null) {
      found = Optional.empty();
      for (Value from : last.values()) {
        found = squashing(from, known);
        if (found.isEmpty()) {
          break;
        }
      }
      known.put(value, found);
    }
    return found;
  }

  /** Whether values are divided by their sum, as a softmax in steps ends. */
  private static boolean isShare(Operation operation) {
    return operation.is("Div")
        && operation.values().size() == 2
        && operation.value(1).producer() != null
        && operation.value(1).producer().is("ReduceSum")
        && operation.value(1).producer().value(0) == operation.value(0);
  }

  /** Whether it has learned numbers. */
  private static boolean isTable(Operand operand) {
    return operand instanceof Constant constant && !constant.integer() && constant.size() > 1;
  }

  /** log p: its softmax is p again. */
  private static Value logarithm(Value probabilities) {
    Constant least = Constant.ofValues(new double[] {LEAST_PROBABILITY}, false);
    long[] shape = probabilities.shape();
    return operation("Log", shape, operation("Max", shape, probabilities, least));
  }

  private static Value operation(String type, long[] shape, Value value, Operand... more) {
    String name = value.name() + "/" + type;
    List<Operand> inputs = new ArrayList<>(List.of(value));
    inputs.addAll(List.of(more));
    OnnxNode node = new OnnxNode(name, "", type, List.of(), List.of(name), Map.of());
    Value output = new Value(name, shape);
    output.producer(new Operation(type, node, inputs, List.of(output)));
    return output;
  }

  /** K; of a single logit 2. */
  private static long classes(Value head) {
    return Math.max(2, classesOf(bare(head)));
  }

  /** The heads that are called what answers are called, or else those that follow all others. */
  private static List<String> telling(Map<String, Value> heads) {
    List<String> named =
        heads.keySet().stream().filter(name -> TELLING.matcher(name).find()).toList();
    if (!named.isEmpty()) {
      return named;
    }
    List<String> last = new ArrayList<>();
    for (Map.Entry<String, Value> head : heads.entrySet()) {
      if (heads.values().stream().allMatch(other -> follows(head.getValue(), other))) {
        last.add(head.getKey());
      }
    }
    return last;
  }

  /** Whether a value is another, or computed from it. */
  private static boolean follows(Value value, Value other) {
    Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Value> open = new ArrayDeque<>(List.of(value));
    while (!open.isEmpty()) {
      Value at = open.pop();
      if (at == other) {
        return true;
      }
      if (seen.add(at) && at.producer() != null) {
        at.producer().values().forEach(open::push);
      }
    }
    return false;
  }

  private static String shape(Operand operand) {
    if (operand == null || (operand instanceof Value value && value.isUnknown())) {
      return "of unknown shape";
    }
    String sizes = Arrays.toString(operand.shape());
    return operand instanceof Value ? sizes.replaceFirst("\\d+", "B") : sizes;
  }
}
