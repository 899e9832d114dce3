package org.ttame.eval.experiment;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.metric.MetricKey;

/**
 * Tables VI and VII as the paper prints them, to stand beside measured rows. They were not measured
 * here: whoever shows them says so.
 */
final class PublishedAblations {
  /** What stands wherever one of these numbers does. */
  static final String LABEL = "published, not measured here";

  private static final int IMAGENET_CLASSES = 1000;
  private static final Pattern IMAGENET_FILE =
      Pattern.compile("(?:.*/)?ILSVRC2012_val_\\d{8}\\.(?:JPEG|jpe?g|png)");
  private static final int FIRST_NUMBER = 4;

  private final Map<List<String>, Map<MetricKey, Double>> rows = new HashMap<>();

  private PublishedAblations() {
    try (InputStream in = PublishedAblations.class.getResourceAsStream("published.csv");
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      List<String> names = List.of(reader.readLine().split(",", -1));
      reader
          .lines()
          .forEach(
              line -> {
                List<String> cells = Arrays.asList(line.split(",", -1));
                Map<MetricKey, Double> numbers = new LinkedHashMap<>();
                for (int c = FIRST_NUMBER; c < names.size(); c++) {
                  String[] key = names.get(c).split("_", 2);
                  numbers.put(
                      MetricKey.at(key[0], Double.parseDouble(key[1])),
                      Double.valueOf(cells.get(c)));
                }
                rows.put(List.copyOf(cells.subList(0, FIRST_NUMBER)), numbers);
              });
    } catch (IOException e) {
      throw new UncheckedIOException("The published tables could not be read", e);
    }
  }

  /**
   * The tables, where classifier and images are the paper's: one of its three networks with a
   * thousand classes, measured on nothing but ImageNet's validation images, told by their names.
   * Elsewhere a comparison would mislead.
   */
  static Optional<PublishedAblations> fitting(FrozenClassifier classifier, List<String> images) {
    boolean network =
        List.of("vgg16", "resnet50", "vit_b_16").contains(classifier.name())
            && classifier.classes() == IMAGENET_CLASSES;
    boolean data =
        !images.isEmpty()
            && images.stream().allMatch(name -> IMAGENET_FILE.matcher(name).matches());
    return network && data ? Optional.of(new PublishedAblations()) : Optional.empty();
  }

  /** A row of Table VI by percentages, or empty. */
  Map<MetricKey, Double> variant(String backbone, AblationPlan.Row row) {
    return rows.getOrDefault(List.of("VI", backbone, row.extraction(), row.variant()), Map.of());
  }

  /** A column of Table VII, or empty. */
  Map<MetricKey, Double> masking(String backbone, Masking masking) {
    return rows.getOrDefault(List.of("VII", backbone, masking.optionName(), ""), Map.of());
  }
}
