package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.ImageReader;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.PassListener;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

class PhotoServiceTest {
  private static final int ENDLESS = 1_000_000;

  @TempDir static Path folder;
  private static Path weights;
  private static final List<byte[]> SCENES = new ArrayList<>();

  @BeforeAll
  static void unpack() throws IOException {
    SampleData sample = new SampleData(folder);
    weights = sample.backbone("vgg");
    ImageList scenes = sample.images("test");
    for (int i = 0; i < 8; i++) {
      SCENES.add(Files.readAllBytes(scenes.path(i)));
    }
  }

  private static PhotoService.Options options(int waiting, int waitingLong) {
    return new PhotoService.Options(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.of(ENDLESS),
        8,
        waiting,
        waitingLong,
        1,
        ImageLimits.DEFAULT);
  }

  /** Keeps the service at work until told otherwise, so that what is asked meanwhile waits. */
  private static final class Holding implements PassListener {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    @Override
    public void passed(long done, long total) {
      begun.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void whatWaitsTogetherSharesAPassAndGetsTheSameAnswers() throws Exception {
    try (FrozenClassifier classifier = Backbones.load(weights, BackboneOptions.defaults());
        PhotoService service = new PhotoService(classifier, options(64, 4))) {
      assertThat(service.defaultMethod()).isEqualTo(ExplanationMethod.GRADCAM);
      assertThat(service.methods())
          .doesNotContain(
              ExplanationMethod.TTAME, ExplanationMethod.LCAM, ExplanationMethod.TRANSFORMER_LRP)
          .contains(ExplanationMethod.RISE);
      List<PhotoInput> photos = new ArrayList<>();
      List<PhotoAnswer> alone = new ArrayList<>();
      for (byte[] scene : SCENES) {
        PhotoInput photo = service.read(scene, "scene");
        photos.add(photo);
        alone.add(ask(service, photo, photos.size()).get());
      }
      Holding holding = new Holding();
      CompletableFuture<PhotoAnswer> endless =
          service.explain(photos.get(0), OptionalInt.empty(), ExplanationMethod.RISE, holding);
      holding.begun.await();
      PhotoService.Status before = service.status();
      assertThat(before.busyLong()).isTrue();
      List<CompletableFuture<PhotoAnswer>> together = new ArrayList<>();
      for (int i = 0; i < photos.size(); i++) {
        together.add(ask(service, photos.get(i), i + 1));
      }
      assertThat(service.status().waiting()).isEqualTo(8);
      holding.go.countDown();
      for (int i = 0; i < photos.size(); i++) {
        PhotoAnswer one = alone.get(i);
        PhotoAnswer other = together.get(i).get();
        assertThat(other.predicted()).isEqualTo(one.predicted());
        for (int k = 0; k < one.probabilities().size(); k++) {
          assertThat(other.probabilities().get(k))
              .isCloseTo(one.probabilities().get(k), within(1e-5));
        }
        assertThat(other.map().isPresent()).isEqualTo(one.map().isPresent());
        if (one.map().isPresent()) {
          assertThat(other.map().get().maps().map(0))
              .containsExactly(one.map().get().maps().map(0), within(1e-5f));
          assertThat(other.map().get().passes()).isEqualTo(one.map().get().passes());
        }
      }
      assertThat(service.status().batches()).isEqualTo(before.batches() + 1);
      assertThat(service.status().images()).isEqualTo(before.images() + 8);
      assertThat(endless.isDone()).isFalse();
      assertThat(endless.cancel(false)).isTrue();
      while (service.status().busyLong()) {
        Thread.sleep(5);
      }
      assertThat(ask(service, photos.get(0), 1).get().predicted())
          .isEqualTo(alone.get(0).predicted());
    }
  }

  /** Of three one asks for classes, the others for maps of a class of their own. */
  private static CompletableFuture<PhotoAnswer> ask(
      PhotoService service, PhotoInput photo, int number) {
    return number % 3 == 0
        ? service.predict(photo)
        : service.explain(
            photo,
            number % 3 == 1 ? OptionalInt.empty() : OptionalInt.of(number),
            number % 2 == 0 ? ExplanationMethod.GRADCAM : ExplanationMethod.GRADCAM_PLUS_PLUS,
            PassListener.NONE);
  }

  /** What short requests cost in the middle of a long method is not that method's. */
  @Test
  void aLongMethodCountsItsOwnPassesOnly() throws Exception {
    try (FrozenClassifier classifier = Backbones.load(weights, BackboneOptions.defaults());
        PhotoService service = new PhotoService(classifier, options(64, 4))) {
      PhotoInput photo = service.read(SCENES.get(0), "scene");
      PhotoAnswer.Explained alone =
          service
              .explain(photo, OptionalInt.of(2), ExplanationMethod.SCORECAM, PassListener.NONE)
              .get()
              .map()
              .orElseThrow();
      List<CompletableFuture<PhotoAnswer>> between = new ArrayList<>();
      PassListener asking =
          (done, total) ->
              between.add(
                  service.explain(
                      photo, OptionalInt.empty(), ExplanationMethod.GRADCAM, PassListener.NONE));
      PhotoAnswer.Explained interrupted =
          service
              .explain(photo, OptionalInt.of(2), ExplanationMethod.SCORECAM, asking)
              .get()
              .map()
              .orElseThrow();
      assertThat(between).isNotEmpty();
      for (CompletableFuture<PhotoAnswer> short_ : between) {
        assertThat(short_.get().map().orElseThrow().backwardPasses()).isEqualTo(1);
      }
      assertThat(interrupted.passes()).isEqualTo(alone.passes());
      assertThat(interrupted.backwardPasses()).isZero();
      assertThat(interrupted.maps().map(0)).isEqualTo(alone.maps().map(0));
    }
  }

  @Test
  void tooMuchIsRefusedAndWhatIsTakenBackMakesRoom() throws Exception {
    PhotoService closed;
    CompletableFuture<PhotoAnswer> left;
    try (FrozenClassifier classifier = Backbones.load(weights, BackboneOptions.defaults());
        PhotoService service = new PhotoService(classifier, options(2, 1))) {
      closed = service;
      PhotoInput photo = service.read(SCENES.get(0), "scene");
      Holding holding = new Holding();
      CompletableFuture<PhotoAnswer> first =
          service.explain(photo, OptionalInt.empty(), ExplanationMethod.RISE, holding);
      holding.begun.await();
      CompletableFuture<PhotoAnswer> second =
          service.explain(photo, OptionalInt.empty(), ExplanationMethod.RISE, PassListener.NONE);
      assertThatThrownBy(
              () ->
                  service.explain(
                      photo, OptionalInt.empty(), ExplanationMethod.IIA, PassListener.NONE))
          .isInstanceOf(RejectedExecutionException.class)
          .hasMessage(
              "1 explanations of many passes are waiting already, the maximum; try"
                  + " again later");
      CompletableFuture<PhotoAnswer> one = service.predict(photo);
      CompletableFuture<PhotoAnswer> two = service.predict(photo);
      assertThatThrownBy(() -> service.predict(photo))
          .isInstanceOf(RejectedExecutionException.class)
          .hasMessageContaining("2 requests are waiting already");
      one.cancel(false);
      CompletableFuture<PhotoAnswer> three = service.predict(photo);
      second.cancel(false);
      left = service.explain(photo, OptionalInt.empty(), ExplanationMethod.RISE, PassListener.NONE);
      holding.go.countDown();
      assertThat(two.get().predicted()).isEqualTo(three.get().predicted());
      assertThat(first.isDone()).isFalse();
    }
    assertThatThrownBy(left::join).isInstanceOf(CancellationException.class);
    PhotoService service = closed;
    PhotoInput photo = service.read(SCENES.get(0), "scene");
    assertThatThrownBy(() -> service.predict(photo)).hasMessageContaining("is closing");
  }

  @Test
  void classesAreReadAsPeopleWriteThem() throws Exception {
    Path labels = folder.resolve("labels.txt");
    Files.write(labels, List.of("a", "b", "7", "c", "c", "predicted", "d", "e", "f", "g"));
    PhotoService.Options options =
        new PhotoService.Options(
            Optional.empty(),
            Optional.of(labels),
            Optional.empty(),
            OptionalInt.empty(),
            8,
            1,
            1,
            1,
            ImageLimits.DEFAULT);
    try (FrozenClassifier classifier = Backbones.load(weights, BackboneOptions.defaults());
        PhotoService service = new PhotoService(classifier, options)) {
      assertThat(service.classOf("predicted")).isEmpty();
      assertThat(service.classOf("name:predicted")).hasValue(5);
      assertThat(service.classOf("7")).hasValue(7);
      assertThat(service.classOf("name:7")).hasValue(2);
      assertThat(service.classOf("b")).hasValue(1);
      assertThatThrownBy(() -> service.classOf("c")).hasMessageContaining("several classes");
      assertThatThrownBy(() -> service.classOf("10")).hasMessageContaining("10 is not a class");
      assertThatThrownBy(() -> service.classOf("-1")).hasMessageContaining("nor the name");
      assertThat(new ImageReader().decode(SCENES.get(0), "scene").width())
          .isEqualTo(service.read(SCENES.get(0), "scene").crop().sourceWidth());
    }
  }
}
