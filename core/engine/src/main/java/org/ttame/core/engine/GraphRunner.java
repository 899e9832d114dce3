package org.ttame.core.engine;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a SameDiff graph: forwards, and backwards from a scalar objective to chosen variables.
 *
 * <p>The graph's shape is fixed once a runner has been made for it; the values of its variables may
 * change in place between runs. Arrays handed in stay the caller's; arrays handed out belong to the
 * {@link GraphResult} and share no memory with the graph or the runner. A runner serves one thread
 * at a time, see {@link ThreadGuard}.
 */
public interface GraphRunner extends AutoCloseable {
  /**
   * A runner for a graph, as {@link EngineChoice} says.
   *
   * @param graph the graph; must outlive the runner
   * @return a runner; the caller closes it
   */
  static GraphRunner of(SameDiff graph) {
    return of(graph, Precision.FLOAT32);
  }

  /**
   * A runner that computes in a precision.
   *
   * @param graph the graph; must outlive the runner
   * @param precision float32, or bfloat16, see {@code PrecisionPass}; values handed in and out are
   *     of the graph's types all the same. For bfloat16 the graph's constants that convolutions and
   *     products multiply are rounded to bfloat16 for good, see {@code NarrowConstants}
   * @return a runner; the caller closes it
   * @throws UnsupportedOperationException if the processor, or the engine that is chosen, does not
   *     have that precision
   */
  static GraphRunner of(SameDiff graph, Precision precision) {
    precision.requireSupport();
    return EngineChoice.current() == EngineChoice.SAMEDIFF
        ? new SameDiffRunner(graph)
        : new PlanRunner(graph, precision);
  }

  /**
   * Runs the graph forwards.
   *
   * @param inputs a value for each placeholder that the outputs depend on; or for variables between
   *     them and the outputs, and the graph runs from there on (not in SameDiff's session)
   * @param outputs names of variables to return
   * @return the values
   */
  GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs);

  /**
   * Runs the graph forwards, and hands out its own memory where it can: for who reads the outputs
   * once and at once.
   *
   * @param inputs as of {@link #run}
   * @param outputs as of {@link #run}
   * @return the values, not to be written to; dead as soon as the runner runs again or is closed
   */
  GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs);

  /**
   * Runs the graph forwards, then backwards from an objective.
   *
   * @param inputs a value for each placeholder that outputs and objective depend on
   * @param objective name of a scalar variable
   * @param outputs names of variables to return
   * @param wrt names of the variables, placeholders or intermediate values, to return the
   *     objective's gradient for; each must influence the objective
   * @return the values and the gradients
   */
  GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt);

  /**
   * Runs the graph forwards and keeps what the way back needs, for an objective that depends on
   * values (cotangents) which can only be computed from this run's outputs.
   *
   * @param inputs a value for each placeholder that the outputs depend on; copied, so they may
   *     change before the way back
   * @param late names of the placeholders whose values follow; no output depends on them
   * @param objective name of a scalar variable
   * @param outputs names of variables to return now
   * @param wrt names of the variables to return gradients for later
   * @return the outputs, and the way back; at most one may be open at a time
   */
  PendingGradients begin(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt);

  /**
   * How much memory a request's plan needs, without running it; plans of a runner share it, so of
   * several requests the largest counts. Leaves of the graph and arrays handed out come on top.
   *
   * @param inputs arrays of the shapes of a run; their values are not read
   * @param late as of {@link #begin}; empty for the other runs
   * @param objective as of {@link #gradients}; null for a forward run
   * @param outputs names of variables to return
   * @param wrt names of the variables to differentiate by; empty for a forward run
   * @return bytes; 0 where SameDiff's session runs the graph, whose needs nobody knows
   */
  long plannedBytes(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt);

  /**
   * Has each operation timed, which costs less than a thousandth of a plan's time.
   *
   * @param profile where to add up from now on; null to stop
   */
  void profile(EngineProfile profile);

  /** One line on how this runner works, for logs and provenance. */
  String describe();

  /** Frees what the runner holds; the graph keeps its arrays. */
  @Override
  void close();

  /** Frees what the runner holds and the graph's constants: the graph is not used any more. */
  void closeWithGraph();

  /** Shorthand for one output. */
  default GraphResult run(Map<String, INDArray> inputs, String output) {
    return run(inputs, List.of(output));
  }
}
