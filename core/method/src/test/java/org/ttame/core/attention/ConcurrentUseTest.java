package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.Precision;
import org.ttame.core.loss.AttentionTrainingGraph;
import org.ttame.core.loss.LossOptions;
import org.ttame.core.masking.Masking;

/** Several threads: one after the other, each with its own, or refused; never another's map. */
class ConcurrentUseTest {
  private static final int ROUNDS = 30;

  private final ExecutorService others = Executors.newFixedThreadPool(4);

  @AfterEach
  void stop() {
    others.shutdownNow();
  }

  /** A classifier, a mechanism and an explainer, as one thread has them. */
  private static final class Own implements AutoCloseable {
    final FrozenClassifier classifier = TinyClassifier.create();
    final AttentionMechanism mechanism =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED),
            4);
    final MapExplainer explainer = new MapExplainer(classifier, mechanism);

    float[] maps(INDArray images) {
      try (Explanation explanation = explainer.explain(images, ClassChoice.top(2))) {
        return explanation.maps().dup('c').data().asFloat();
      }
    }

    @Override
    public void close() {
      explainer.close();
      mechanism.close();
      classifier.close();
    }
  }

  /** Without the guard most of these maps are wrong. */
  @Test
  void twoThreadsOnOneExplainerAreRefusedOrRight() throws Exception {
    try (Own own = new Own()) {
      List<INDArray> images = List.of(images(1), images(2), images(3), images(4));
      List<float[]> expected = images.stream().map(own::maps).toList();
      List<Future<Integer>> wrong = new ArrayList<>();
      for (int t = 0; t < images.size(); t++) {
        int mine = t;
        wrong.add(
            others.submit(
                () -> {
                  int different = 0;
                  for (int round = 0; round < ROUNDS; round++) {
                    try {
                      if (!same(own.maps(images.get(mine)), expected.get(mine))) {
                        different++;
                      }
                    } catch (IllegalStateException e) {
                      assertThat(e).hasMessageContaining("make one for each thread");
                    }
                  }
                  return different;
                }));
      }
      for (Future<Integer> each : wrong) {
        assertThat(each.get()).isZero();
      }
    }
  }

  @Test
  void whatIsBorrowedKeepsOthersOutUntilItIsClosed() throws Exception {
    try (Own own = new Own();
        INDArray images = images(1)) {
      float[] expected = own.maps(images);
      try (ClassifierOutput lent =
          own.classifier.forwardBorrowed(images, own.classifier.defaultLayers())) {
        float[] logits = lent.logits().data().asFloat();
        assertRefused(() -> own.maps(images));
        assertRefused(() -> own.classifier.forward(images, List.of()));
        assertRefused(() -> own.classifier.crossEntropyGradient(images, new int[] {0, 1, 2}));
        assertRefused(
            () -> {
              own.classifier.close();
              return null;
            });
        assertThat(lent.logits().data().asFloat()).isEqualTo(logits);
        // The same thread may go on.
        assertThat(own.maps(images)).isEqualTo(expected);
      }
      assertThat(elsewhere(() -> own.maps(images))).isEqualTo(expected);
    }
  }

  @Test
  void aThreadThatEndedHoldsNothing() throws Exception {
    try (Own own = new Own();
        INDArray images = images(1)) {
      float[] expected = own.maps(images);
      Thread forgetful = new Thread(() -> own.classifier.forwardBorrowed(images, List.of()));
      forgetful.start();
      forgetful.join();
      assertThat(own.maps(images)).isEqualTo(expected);
    }
  }

  @Test
  void aTrainingStepKeepsOthersOffItsMechanism() throws Exception {
    try (Own own = new Own();
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                own.mechanism,
                Masking.CNN,
                LossOptions.defaults(),
                own.classifier.inputSpec(),
                Precision.FLOAT32);
        INDArray images = images(1);
        ClassifierOutput clean = own.classifier.forward(images, own.mechanism.spec().features())) {
      int[][] psi = {{0, 1}, {1, 2}, {2, 3}};
      try (var forward = graph.forward(clean.features(), images, psi);
          INDArray cotangent = Nd4j.ones(3, 8, 8, 3)) {
        assertRefused(() -> graph.forward(clean.features(), images, psi));
        try (var lent = forward.backwardBorrowing(cotangent)) {
          assertThat(lent.gradients()).isNotEmpty();
          assertRefused(() -> graph.forward(clean.features(), images, psi));
        }
      }
      own.mechanism.reserved(
          () -> {
            assertRefused(() -> own.mechanism.toNpz());
            assertRefused(() -> new MapExplainer(own.classifier, own.mechanism));
            assertRefused(() -> graph.forward(clean.features(), images, psi));
            return null;
          });
      Map<String, INDArray> copies = elsewhere(own.mechanism::toNpz);
      assertThat(copies).isNotEmpty();
    }
  }

  /** Each thread its own: what ND4J and oneDNN share in the process does not mix their results. */
  @Test
  void eachThreadWithItsOwnIsRightToTheBit() throws Exception {
    List<INDArray> images = List.of(images(1), images(2), images(3), images(4));
    List<float[]> expected = new ArrayList<>();
    for (INDArray each : images) {
      try (Own own = new Own()) {
        expected.add(own.maps(each));
      }
    }
    List<Future<Void>> done = new ArrayList<>();
    for (int t = 0; t < images.size(); t++) {
      int mine = t;
      done.add(
          others.submit(
              () -> {
                for (int life = 0; life < 3; life++) {
                  try (Own own = new Own()) {
                    for (int round = 0; round < ROUNDS; round++) {
                      assertThat(own.maps(images.get(mine))).isEqualTo(expected.get(mine));
                    }
                  }
                }
                return null;
              }));
    }
    for (Future<Void> each : done) {
      each.get();
    }
  }

  @Test
  void closedIsClosed() {
    Own own = new Own();
    INDArray images = images(1);
    own.close();
    assertThatThrownBy(() -> own.maps(images))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    own.close();
  }

  private void assertRefused(Callable<?> call) {
    assertThatThrownBy(() -> elsewhere(call))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("make one for each thread")
        .hasMessageContaining(Thread.currentThread().getName());
  }

  private <T> T elsewhere(Callable<T> call) throws Exception {
    try {
      return others.submit(call).get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private static INDArray images(int seed) {
    return TinyClassifier.wave(seed, 3, 8, 8, 3);
  }

  private static boolean same(float[] a, float[] b) {
    return java.util.Arrays.equals(a, b);
  }
}
