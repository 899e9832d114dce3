package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/** Runs a graph through SameDiff's own session: any graph, no planning. The reference. */
final class SameDiffRunner implements GraphRunner {
  private final SameDiff graph;
  private final ThreadGuard guard = new ThreadGuard();

  SameDiffRunner(SameDiff graph) {
    this.graph = Objects.requireNonNull(graph, "graph");
    refuseFatal(graph);
  }

  private static void refuseFatal(SameDiff graph) {
    if (graph.getListeners().stream().noneMatch(PointwiseRows.Guard.class::isInstance)) {
      graph.addListeners(new PointwiseRows.Guard());
    }
  }

  @Override
  public GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs) {
    for (String name : inputs.keySet()) {
      if (graph.hasVariable(name) && !graph.getVariable(name).isPlaceHolder()) {
        throw new UnsupportedOperationException(
            Text.format("SameDiff's session cannot begin at \"%s\"; use another engine", name));
      }
    }
    return guard.call(
        () -> {
          Map<String, INDArray> values = graph.output(inputs, new ArrayList<>(outputs));
          return new GraphResult(owned(values, inputs), Map.of());
        });
  }

  @Override
  public GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs) {
    return run(inputs, outputs);
  }

  @Override
  public GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    return guard.call(
        () -> {
          refuseFatal(GradientGraph.prepare(graph, objective, wrt));
          Set<String> wanted = new LinkedHashSet<>(outputs);
          wanted.add(objective);
          var result = graph.calculateGradientsAndOutputs(inputs, wanted, new LinkedHashSet<>(wrt));
          Map<String, INDArray> gradients = new LinkedHashMap<>();
          for (String name : wrt) {
            gradients.put(name, result.getGradients().get(name));
          }
          return new GraphResult(owned(result.getOutputs(), inputs), owned(gradients, inputs));
        });
  }

  @Override
  public PendingGradients begin(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    GraphResult forward = run(inputs, outputs);
    Map<String, INDArray> kept = new HashMap<>();
    inputs.forEach((name, array) -> kept.put(name, array.dup('c')));
    return new PendingGradients() {
      @Override
      public INDArray output(String name) {
        return forward.output(name);
      }

      @Override
      public GraphResult finish(Map<String, INDArray> lateInputs) {
        Map<String, INDArray> all = new HashMap<>(kept);
        all.putAll(lateInputs);
        return gradients(all, objective, List.of(), wrt);
      }

      @Override
      public void close() {
        forward.close();
        kept.values().forEach(GraphResult::release);
        kept.clear();
      }
    };
  }

  @Override
  public long plannedBytes(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    return 0;
  }

  @Override
  public void profile(EngineProfile profile) {
    // A session's operations run out of sight.
  }

  @Override
  public String describe() {
    return "SameDiff session";
  }

  @Override
  public void close() {
    guard.close(() -> {});
  }

  @Override
  public void closeWithGraph() {
    guard.close(() -> GraphResult.releaseConstants(graph));
  }

  /** SameDiff may hand out an input or a variable's own array: copies those, takes the rest. */
  private Map<String, INDArray> owned(Map<String, INDArray> values, Map<String, INDArray> inputs) {
    Set<INDArray> foreign = Collections.newSetFromMap(new IdentityHashMap<>());
    foreign.addAll(inputs.values());
    for (SDVariable variable : graph.variables()) {
      if (!variable.isPlaceHolder() && variable.getVariableType() != null) {
        switch (variable.getVariableType()) {
          case VARIABLE, CONSTANT -> foreign.add(variable.getArr());
          default -> {}
        }
      }
    }
    Map<String, INDArray> result = new LinkedHashMap<>();
    values.forEach(
        (name, array) ->
            result.put(name, foreign.add(array) && !array.isView() ? array : array.dup('c')));
    return result;
  }
}
