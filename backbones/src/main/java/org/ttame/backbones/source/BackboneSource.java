package org.ttame.backbones.source;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.WeightSource;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;

/**
 * A file or network that a backbone can be made from: its architecture now, its weights when asked.
 */
public interface BackboneSource extends WeightSource, AutoCloseable {
  /** The architecture found. */
  Architecture architecture();

  /** What it expects of an image, where it says so. */
  Optional<InputSpec> inputSpec();

  /** What it answers. */
  OutputSpec output();

  /** Whether that is settled: what has been imported cannot be read otherwise. */
  default boolean outputSettled() {
    return false;
  }

  /** How it has its images. */
  default InputSpec.Stored stored() {
    return InputSpec.Stored.USUAL;
  }

  /** Where it comes from: format, producer and the like. */
  Map<String, String> provenance();

  /** What of all this nobody has said. */
  default Set<Assumption.Setting> assumed() {
    return Set.of();
  }

  @Override
  void close() throws IOException;
}
