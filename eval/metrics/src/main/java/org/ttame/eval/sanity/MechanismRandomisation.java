package org.ttame.eval.sanity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;

/**
 * A trained mechanism that loses what it has learnt, part by part: the fusion module, then the
 * branches from the latest layer's to the first one's (Fig. 16b).
 */
public final class MechanismRandomisation {
  private static final String FUSION = "fusion";

  private final AttentionMechanism trained;
  private final long seed;
  private final List<String> stages = new ArrayList<>();

  /**
   * A cascade.
   *
   * @param trained stays the caller's, and as it is
   * @param seed of the random values. They are of the kind that a mechanism begins with, and others
   *     than those that a training from this very seed began with: putting those back would undo
   *     training rather than randomise, and leave alike what they alone decide
   */
  public MechanismRandomisation(AttentionMechanism trained, long seed) {
    this.trained = trained;
    this.seed = new SplittableRandom(seed).nextLong();
    stages.add(FUSION);
    if (trained.spec().variant().hasBranches()) {
      for (int i = trained.spec().features().size() - 1; i >= 0; i--) {
        stages.add("branch." + i);
      }
    }
  }

  /** What becomes random, in order. */
  public List<String> stages() {
    return List.copyOf(stages);
  }

  /**
   * The mechanism with its last parts random.
   *
   * @param count how many stages are random
   * @return a new mechanism; the caller closes it
   */
  public AttentionMechanism at(int count) {
    Map<String, INDArray> learnt = trained.toNpz();
    Map<String, INDArray> random = Map.of();
    try (AttentionMechanism blank = AttentionMechanism.create(trained.spec(), seed)) {
      random = blank.toNpz();
      Map<String, INDArray> mixed = new LinkedHashMap<>();
      for (String name : learnt.keySet()) {
        boolean lost =
            stages.subList(0, count).stream().anyMatch(stage -> name.startsWith(stage + "."));
        mixed.put(name, lost ? random.get(name) : learnt.get(name));
      }
      return AttentionMechanism.fromNpz(trained.spec(), mixed);
    } finally {
      learnt.values().forEach(INDArray::close);
      random.values().forEach(INDArray::close);
    }
  }
}
