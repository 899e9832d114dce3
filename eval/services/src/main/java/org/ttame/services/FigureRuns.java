package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.Precision;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.training.run.RunFolder;

/**
 * The runs that figures are about, and the methods that explain their classifiers.
 *
 * @param runs their folders
 * @param methods those asked for; empty for what a run was trained as and those of few passes
 * @param layer the node that methods of one layer read; empty for the standard one
 * @param riseMasks how many masks RISE takes; empty for its paper's number
 * @param seed of what methods draw
 * @param precision what the runs' classifiers are computed in
 */
public record FigureRuns(
    List<Path> runs,
    List<ExplanationMethod> methods,
    Optional<String> layer,
    OptionalInt riseMasks,
    long seed,
    Precision precision) {
  /** What joins a run's own method unless others are asked for. */
  private static final List<ExplanationMethod> CHEAP =
      List.of(
          ExplanationMethod.GRADCAM,
          ExplanationMethod.GRADCAM_PLUS_PLUS,
          ExplanationMethod.IIA,
          ExplanationMethod.TRANSFORMER_LRP);

  public FigureRuns {
    runs = List.copyOf(runs);
    methods = List.copyOf(methods);
  }

  /** A run as the other commands name it. */
  TrainedRun choice(int number) {
    return TrainedRun.of(runs.get(number));
  }

  /**
   * The methods of a classifier: those that were asked for and explain it; the listener is told of
   * the others. Refused if no method is left.
   */
  MethodSelection methods(int number, FrozenClassifier classifier, ProgressListener listener)
      throws IOException {
    TrainedRun choice = choice(number);
    List<ExplanationMethod> wanted = new ArrayList<>(methods);
    if (methods.isEmpty()) {
      wanted.add(own(choice.folder()));
      wanted.addAll(CHEAP);
    }
    boolean transformer = classifier.transformer().isPresent();
    if (!transformer && wanted.remove(ExplanationMethod.TRANSFORMER_LRP) && !methods.isEmpty()) {
      String sentence =
          Text.format("transformer-lrp explains vision transformers, and %s is none", choice.run());
      if (wanted.isEmpty() || runs.size() == 1) {
        throw new IOException("option 'methods': " + sentence);
      }
      listener.warn(sentence + "; it is left out there");
    }
    return new MethodSelection(
        List.copyOf(wanted),
        false,
        List.of(),
        Optional.of(choice),
        Optional.empty(),
        layer,
        riseMasks,
        seed);
  }

  private static ExplanationMethod own(RunFolder folder) throws IOException {
    String variant = folder.record().path("attention").path("variant").asText();
    return variant.equals(Variant.LCAM.optionName())
        ? ExplanationMethod.LCAM
        : ExplanationMethod.TTAME;
  }

  /** What tells these runs from others, for records: by number, checkpoint and classifier. */
  Map<String, String> identity() throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    for (int r = 0; r < runs.size(); r++) {
      TrainedRun choice = choice(r);
      String checkpoint = choice.checkpointName();
      identity.put("run " + (r + 1), runs.get(r).toString());
      identity.put(
          "checkpoint " + (r + 1),
          Text.format(
              "%s (SHA-256 %s)",
              checkpoint, choice.folder().checkpoints().get(checkpoint).attentionSha256()));
    }
    identity.put(
        "methods",
        methods.isEmpty()
            ? "standard"
            : methods.stream().map(ExplanationMethod::optionName).collect(Collectors.joining(",")));
    layer.ifPresent(node -> identity.put("layer", node));
    riseMasks.ifPresent(masks -> identity.put("rise-masks", String.valueOf(masks)));
    identity.put("seed", String.valueOf(seed));
    if (precision != Precision.FLOAT32) {
      identity.put("precision", precision.optionName());
    }
    return identity;
  }

  /** What a classifier is called in figures: its name, and its run's where names repeat. */
  String title(int number, FrozenClassifier classifier, List<String> taken) {
    String name = classifier.name();
    Path folder = runs.get(number).toAbsolutePath().normalize().getFileName();
    for (String title : List.of(name, Text.format("%s (%s)", name, folder))) {
      if (!taken.contains(title)) {
        return title;
      }
    }
    return Text.format("%s (run %d)", name, number + 1);
  }
}
