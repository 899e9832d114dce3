package org.ttame.backbones;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/**
 * What is in a backbone file, found without loading its weights.
 *
 * @param architecture the architecture; its name and parameter count
 * @param inputSpec what it expects of an image
 * @param output what it answers
 * @param layers the layers that can be explained, from input to logits
 * @param defaultLayers names of those explained unless told otherwise
 * @param masking the family's masking
 * @param provenance format, producer, operator set, SHA-256 and the like, in order
 * @param assumptions what of this nobody has said
 */
public record BackboneInfo(
    Architecture architecture,
    InputSpec inputSpec,
    OutputSpec output,
    List<FeatureLayer> layers,
    List<String> defaultLayers,
    Masking masking,
    Map<String, String> provenance,
    List<Assumption> assumptions) {
  public BackboneInfo {
    layers = List.copyOf(layers);
    defaultLayers = List.copyOf(defaultLayers);
    assumptions = List.copyOf(assumptions);
    provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
  }
}
