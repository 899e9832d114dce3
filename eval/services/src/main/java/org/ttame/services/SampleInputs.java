package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;
import org.ttame.eval.metric.Box;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

/** The bundled sample as the inputs of a run, unpacked into the run's folder. */
public final class SampleInputs {
  /** The family that is shown unless another is asked for. */
  public static final String STANDARD = "vgg16";

  /** Where in a run's folder it is unpacked. */
  public static final String FOLDER = "sample";

  /** How many held-out scenes the closing report measures: all. */
  public static final int REPORT = 600;

  private SampleInputs() {}

  /** What the sample is trained with unless told otherwise. */
  public static Properties options() {
    Properties properties = new Properties();
    properties.setProperty("batch-size", "8");
    return properties;
  }

  /** What its classifiers were trained with. */
  public static BackboneOptions backbone() {
    return BackboneOptions.defaults()
        .withStandardisation(InputSpec.IMAGENET_MEAN, InputSpec.IMAGENET_STD)
        .withResize(ResizeRule.CROP);
  }

  /**
   * The held-out scenes of a run of the sample.
   *
   * @param run a run's folder
   * @return their folder; empty where the run was trained on other images
   */
  public static Optional<Path> heldOut(Path run) {
    return Optional.of(new SampleData(run.resolve(FOLDER)).folder("test"))
        .filter(Files::isDirectory);
  }

  /** A name for the run's folder. */
  static String name(String family) {
    return "sample-" + family;
  }

  /** The folder of a training on the sample with all defaults. */
  public static Path run() {
    return Train.HOME.resolve(name(SampleData.family(STANDARD)));
  }

  /**
   * Unpacks.
   *
   * @param family one of {@link SampleData#FAMILIES}
   * @param run the run's folder
   * @param limit which training images, if not all
   */
  public static TrainingInputs unpack(String family, Path run, Optional<ImageDraw> limit)
      throws IOException {
    SampleData data = new SampleData(run.resolve(FOLDER));
    ImageList training = data.images("train");
    if (limit.isPresent()) {
      training = limit.get().from(training);
    }
    ImageList held = data.images("test");
    return new TrainingInputs(
        data.backbone(family),
        training,
        Optional.of(data.images("val")),
        Optional.of(held),
        Optional.of(objects(data.boxes("test"))),
        data.labels());
  }

  private static KnownObjects objects(List<SampleData.Box> items) {
    Map<String, List<Box>> byScene = new HashMap<>();
    for (SampleData.Box item : items) {
      byScene
          .computeIfAbsent(item.scene(), scene -> new ArrayList<>())
          .add(new Box(item.label(), item.x0(), item.y0(), item.x1(), item.y1()));
    }
    return new BoxTable(byScene).objects(ImageLimits.DEFAULT);
  }
}
