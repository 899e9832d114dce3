package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.ImportedLayers;
import org.ttame.backbones.graph.InitialValues;
import org.ttame.backbones.graph.Parameter;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;

/**
 * A classifier whose layers lose what they have learnt, one after another from the logits to the
 * input: the cascading randomisation of Adebayo et al., "Sanity Checks for Saliency Maps" (2018).
 * Layers already random keep their values from stage to stage.
 *
 * <p>A stage is a linear or convolutional layer of a VGG, a block of a ResNet or of a vision
 * transformer; stem, embedding and head are stages of their own. Of any other graph it is an
 * operation that has weights.
 */
public final class CascadingRandomisation {
  private final Path file;
  private final BackboneOptions options;
  private final long seed;
  private final List<Stage> stages;

  /**
   * A stage.
   *
   * @param name of the layer or block, as torchvision names it
   * @param parameters what becomes random
   */
  public record Stage(String name, List<String> parameters) {
    public Stage {
      parameters = List.copyOf(parameters);
    }
  }

  /**
   * Reads what layers a classifier has.
   *
   * @param options what is expected of it
   * @param seed of all random values
   * @throws IOException if the file cannot be read or holds something else
   */
  public CascadingRandomisation(Path file, BackboneOptions options, long seed) throws IOException {
    this.file = file;
    this.options = options;
    this.seed = seed;
    stages = stages(Backbones.inspect(file, options).architecture());
  }

  private CascadingRandomisation(CascadingRandomisation of, List<Stage> stages) {
    file = of.file;
    options = of.options;
    seed = of.seed;
    this.stages = List.copyOf(stages);
  }

  /**
   * The same in fewer stages, each of which has as many of these as the others or one more; the
   * last one leaves nothing learnt, as here.
   *
   * @param most how many there are at most, at least 1
   * @return the cascade; its stages are named by their first and last
   * @throws IllegalArgumentException if there are to be none
   */
  public CascadingRandomisation inStages(int most) {
    if (most < 1) {
      throw new IllegalArgumentException("A cascade cannot have " + most + " stages");
    }
    int count = Math.min(most, stages.size());
    List<Stage> joined = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = Math.toIntExact((long) i * stages.size() / count);
      int to = Math.toIntExact((i + 1L) * stages.size() / count);
      List<Stage> parts = stages.subList(from, to);
      String first = parts.get(0).name();
      joined.add(
          new Stage(
              to - from == 1 ? first : Text.format("%s to %s", first, stages.get(to - 1).name()),
              parts.stream().flatMap(part -> part.parameters().stream()).toList()));
    }
    return new CascadingRandomisation(this, joined);
  }

  /** The stages, from the logits to the input. */
  public List<Stage> stages() {
    return stages;
  }

  /**
   * Loads the classifier with its last layers random.
   *
   * @param count how many stages are random: 0 for the classifier as it is, all for a new one
   * @return the classifier; the caller closes it
   * @throws IOException if the file cannot be read any more
   */
  public FrozenClassifier classifier(int count) throws IOException {
    Set<String> random = new HashSet<>();
    stages.subList(0, count).forEach(stage -> random.addAll(stage.parameters()));
    try (BackboneSource source = Backbones.open(file, options)) {
      InitialValues values = new InitialValues(source.architecture(), seed);
      return Backbones.load(new Randomised(source, random, values, origin(count)), options);
    }
  }

  private String origin(int count) {
    return count == 0
        ? "none"
        : Text.format(
            "%s to %s, seed %d", stages.get(0).name(), stages.get(count - 1).name(), seed);
  }

  static List<Stage> stages(Architecture architecture) {
    Map<String, List<String>> byName = new LinkedHashMap<>();
    for (Parameter parameter : BackboneGraph.outline(architecture).parameters()) {
      String stage = stage(architecture, parameter.name());
      if (stage.isEmpty()) {
        continue;
      }
      byName.computeIfAbsent(stage, name -> new ArrayList<>()).add(parameter.name());
    }
    List<Stage> stages = new ArrayList<>();
    byName.forEach((name, parameters) -> stages.add(new Stage(name, parameters)));
    Collections.reverse(stages);
    return List.copyOf(stages);
  }

  /** The layer or block that a parameter belongs to; empty for what nothing has trained. */
  private static String stage(Architecture architecture, String parameter) {
    if (architecture instanceof ImportedLayers imported) {
      return imported.role(parameter) == ImportedLayers.Role.FIXED
          ? ""
          : parameter.substring(0, parameter.lastIndexOf('.'));
    }
    String[] parts = parameter.split("\\.", -1);
    if (parameter.startsWith("encoder.layers.")) {
      return String.join(".", parts[0], parts[1], parts[2]);
    }
    if (parameter.startsWith("encoder.ln.") || parameter.startsWith("heads.")) {
      return "heads.head";
    }
    if (parameter.equals("encoder.pos_embedding")) {
      return "conv_proj";
    }
    boolean nested = parts[0].equals("features") || parts[0].equals("classifier");
    return nested || parts[0].startsWith("layer") ? parts[0] + "." + parts[1] : parts[0];
  }

  /** A source with some weights replaced. */
  private record Randomised(
      BackboneSource source, Set<String> random, InitialValues values, String origin)
      implements BackboneSource {
    @Override
    public Architecture architecture() {
      return source.architecture();
    }

    @Override
    public OutputSpec output() {
      return source.output();
    }

    @Override
    public boolean outputSettled() {
      return source.outputSettled();
    }

    @Override
    public InputSpec.Stored stored() {
      return source.stored();
    }

    @Override
    public Optional<InputSpec> inputSpec() {
      return source.inputSpec();
    }

    @Override
    public Map<String, String> provenance() {
      Map<String, String> provenance = new LinkedHashMap<>(source.provenance());
      provenance.put("randomised", origin);
      return provenance;
    }

    @Override
    public Set<Assumption.Setting> assumed() {
      return source.assumed();
    }

    @Override
    public INDArray load(String name, long... shape) throws IOException {
      return random.contains(name) ? values.draw(name, shape) : source.load(name, shape);
    }

    @Override
    public void close() {
      // The source is closed by who opened it.
    }
  }
}
