package org.ttame.core.engine;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.ttame.core.Text;

/** SameDiff's gradient function, made for one objective and one set of variables. */
final class GradientGraph {
  static final String FUNCTION = "grad";

  private GradientGraph() {}

  /**
   * Makes {@code graph.getFunction("grad")} differentiate {@code objective} by {@code wrt}.
   *
   * @param graph the graph; its loss variable becomes the objective
   * @param objective a scalar variable
   * @param wrt variables of any type
   * @return the gradient graph: all of the graph's operations and those of the way back
   * @throws IllegalArgumentException if the objective does not depend on one of {@code wrt}
   */
  static SameDiff prepare(SameDiff graph, String objective, Collection<String> wrt) {
    boolean present =
        graph.hasGradientFunction()
            && graph.getLossVariables().equals(List.of(objective))
            && wrt.stream().allMatch(name -> hasGradient(graph, name));
    if (!present) {
      graph.setLossVariables(objective);
      Set<String> required = new LinkedHashSet<>(wrt);
      wrt.forEach(name -> ancestor(graph, name).ifPresent(required::add));
      QuietOutput.run(() -> graph.createGradFunction(required.toArray(String[]::new)));
      for (String name : wrt) {
        if (!hasGradient(graph, name)) {
          throw new IllegalArgumentException(
              Text.format("\"%s\" has no gradient: \"%s\" does not depend on it", name, objective));
        }
      }
    }
    return graph.getFunction(FUNCTION);
  }

  /** The name of the variable that holds the gradient of {@code name}. */
  static String gradientName(SameDiff graph, String name) {
    return graph.getVariable(name).getGradient().name();
  }

  private static boolean hasGradient(SameDiff graph, String name) {
    return graph.getVariable(name).getGradient() != null;
  }

  /**
   * SameDiff drops a computed value from differentiation where nothing above it is trainable, even
   * if its gradient was asked for. Asking for a leaf above it as well keeps it.
   */
  private static Optional<String> ancestor(SameDiff graph, String name) {
    Deque<String> open = new ArrayDeque<>(List.of(name));
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      String next = open.pop();
      SDVariable variable = graph.getVariable(next);
      if (!seen.add(next) || !variable.dataType().isFPType()) {
        continue;
      }
      if (variable.getVariableType() != VariableType.ARRAY) {
        return Optional.of(next);
      }
      SameDiffOp op = graph.getOps().get(graph.getVariables().get(next).getOutputOfOp());
      if (op.getInputsToOp() != null) {
        op.getInputsToOp().forEach(open::push);
      }
    }
    return Optional.empty();
  }

  /**
   * Keeps SameDiff's debugging lines off standard output, which belongs to results: version
   * 1.0.0-M2.1 prints "Added differentiated op …" for every operation it differentiates.
   */
  private static final class QuietOutput {
    private static final String NOISE = "Added differentiated op ";

    private QuietOutput() {}

    /**
     * Runs an action, dropping SameDiff's lines and passing on what other threads print meanwhile.
     */
    static synchronized void run(Runnable action) {
      PrintStream original = System.out;
      try (PrintStream filter =
          new PrintStream(new LineFilter(original), true, Charset.defaultCharset())) {
        System.setOut(filter);
        action.run();
      } finally {
        System.setOut(original);
      }
    }

    private static final class LineFilter extends OutputStream {
      private final PrintStream target;
      private final ByteArrayOutputStream line = new ByteArrayOutputStream();

      LineFilter(PrintStream target) {
        this.target = target;
      }

      @Override
      public void write(int b) {
        line.write(b);
        if (b == '\n') {
          pass();
        }
      }

      @Override
      public void close() {
        if (line.size() > 0) {
          pass();
        }
      }

      private void pass() {
        byte[] bytes = line.toByteArray();
        line.reset();
        if (!new String(bytes, Charset.defaultCharset()).startsWith(NOISE)) {
          target.write(bytes, 0, bytes.length);
        }
      }
    }
  }
}
