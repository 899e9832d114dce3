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
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;

/**
 * Which of a graph's outputs has the logits. A second head is never passed over in silence: one is
 * named by the user, or is the only list of class scores, or its name or its place behind all
 * others says that it is the classifier's answer, which counts as assumed.
 *
 * @param name of the output
 * @param logits its value; of a softmax at the end, the softmax's input
 * @param assumed whether the choice between several was made without the user's word
 * @param all the graph's outputs with their shapes, for people
 */
record LogitsOutput(String name, Value logits, boolean assumed, String all) {
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
      if (operands.get(output) instanceof Value value && (value.isUnknown() || value.rank() == 2)) {
        heads.put(output, unsoftened(value));
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
      return new LogitsOutput(wanted, heads.get(wanted), false, all);
    }
    if (heads.isEmpty()) {
      throw new UnsupportedGraphException("none of its outputs is a list of class scores");
    }
    if (options.classes().isPresent()) {
      Map<String, Value> fitting = new LinkedHashMap<>(heads);
      fitting
          .values()
          .removeIf(head -> head.isUnknown() || head.shape()[1] != options.classes().getAsInt());
      heads = fitting.isEmpty() ? heads : fitting;
    }
    boolean several = heads.values().stream().distinct().count() > 1;
    List<String> names = several ? telling(heads) : List.copyOf(heads.keySet()).subList(0, 1);
    if (names.size() != 1) {
      throw new BackboneException(
          Text.format(
              "%s has several outputs that could be the classifier's answer; say with --output which is: %s",
              model.file(), all));
    }
    return new LogitsOutput(names.get(0), heads.get(names.get(0)), several, all);
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

  /** The input of a softmax over the classes; one over another axis stays, as do odd ones. */
  private static Value unsoftened(Value value) {
    Operation last = value.producer();
    if (last == null || !last.is("Softmax", "LogSoftmax")) {
      return value;
    }
    boolean overClasses =
        value.isUnknown()
            ? last.value(0).isUnknown()
            : last.node().integer("axis", -1) == value.rank() - 1;
    return overClasses ? last.value(0) : value;
  }

  private static String shape(Operand operand) {
    if (operand == null || (operand instanceof Value value && value.isUnknown())) {
      return "of unknown shape";
    }
    String sizes = Arrays.toString(operand.shape());
    return operand instanceof Value ? sizes.replaceFirst("\\d+", "B") : sizes;
  }
}
