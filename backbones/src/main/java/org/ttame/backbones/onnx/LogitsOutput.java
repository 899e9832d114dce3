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
    for (String output : model.outputs()) {
      if (operands.get(output) instanceof Value value && scores(value)) {
        heads.put(output, value);
      }
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
    if (names.size() != 1) {
      throw new BackboneException(
          Text.format(
              "%s has several outputs that could be the classifier's answer; say with option 'output' which is: %s",
              model.file(), all));
    }
    return of(names.get(0), heads.get(names.get(0)), options.outputKind(), several, all);
  }

  /** Finds out, or is told, what an output means. */
  private static LogitsOutput of(
      String name, Value output, Optional<OutputKind> given, boolean assumed, String all) {
    Value logits = bare(output);
    boolean single = !logits.isUnknown() && logits.shape()[1] == 1;
    Operation last = activation(output);
    boolean sigmoid = last != null && last.is("Sigmoid");
    boolean softmax = last != null && !sigmoid;
    if (last == null) {
      refuseSquashed(output);
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
              "the output \"%s\" is one probability that does not come out of a Sigmoid: cut the file before what makes it, and give its logit",
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
    return value.isUnknown()
        ? softmax.value(0).isUnknown()
        : softmax.node().integer("axis", -1) == value.rank() - 1;
  }

  /** A sigmoid's stand-in, whose inverse would not be what it was given. */
  private static void refuseSquashed(Value output) {
    Operation last = output.producer();
    if (last != null && last.is("HardSigmoid")) {
      throw new UnsupportedGraphException(
          Text.format(
              "its scores come out of %s, which has no logits; cut the graph before it", last));
    }
  }

  /** log p: its softmax is p again. */
  private static Value logarithm(Value probabilities) {
    Constant least = Constant.ofValues(new double[] {LEAST_PROBABILITY}, false);
    return operation("Log", operation("Max", probabilities, least));
  }

  private static Value operation(String type, Value value, Operand... more) {
    String name = value.name() + "/" + type;
    List<Operand> inputs = new ArrayList<>(List.of(value));
    inputs.addAll(List.of(more));
    OnnxNode node = new OnnxNode(name, "", type, List.of(), List.of(name), Map.of());
    Value output = new Value(name, value.shape());
    output.producer(new Operation(type, node, inputs, List.of(output)));
    return output;
  }

  /** K; of a single logit 2. */
  private static long classes(Value head) {
    return Math.max(2, bare(head).shape()[1]);
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
