package org.ttame.core.attention;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.loss.AttentionTrainingGraph;
import org.ttame.core.loss.LossMode;
import org.ttame.core.loss.LossOptions;
import org.ttame.core.masking.Masking;
import org.ttame.core.npz.Npz;

/** A case of attention.npz, made by src/test/python/make_attention_golden.py. */
public final class GoldenCase {
  private static final Map<String, INDArray> ALL = read();

  private final String name;
  private final String[] parts;

  public GoldenCase(String name) {
    this.name = name;
    this.parts = name.split("\\.");
  }

  public static List<String> names() {
    return ALL.keySet().stream()
        .map(key -> key.substring(0, key.indexOf('~')))
        .filter(name -> !name.equals("resize"))
        .distinct()
        .toList();
  }

  /** Arrays whose key starts with the prefix, by the rest of the key. */
  public static Map<String, INDArray> withPrefix(String prefix) {
    Map<String, INDArray> found = new LinkedHashMap<>();
    ALL.forEach(
        (key, array) -> {
          if (key.startsWith(prefix)) {
            found.put(key.substring(prefix.length()), array);
          }
        });
    return found;
  }

  public INDArray get(String key) {
    INDArray array = ALL.get(name + "~" + key);
    if (array == null) {
      throw new IllegalArgumentException("no " + key + " in " + name);
    }
    return array;
  }

  public Map<String, INDArray> group(String group) {
    return withPrefix(name + "~" + group + ".");
  }

  public AttentionSpec spec() {
    List<FeatureLayer> selected = new ArrayList<>();
    for (INDArray feature : allFeatures()) {
      String node = "layer" + selected.size();
      if (feature.rank() == 3) {
        int side = (int) Math.round(Math.sqrt((int) feature.size(1) - 1));
        selected.add(
            new FeatureLayer(node, node, FeatureKind.TOKENS, (int) feature.size(2), side, side));
      } else {
        selected.add(
            new FeatureLayer(
                node,
                node,
                FeatureKind.MAP,
                (int) feature.size(3),
                (int) feature.size(1),
                (int) feature.size(2)));
      }
    }
    return AttentionSpec.of(selected, (int) get("out.maps").size(1), Variant.parse(parts[0]));
  }

  /** The maps that the variant reads. */
  public List<INDArray> features(DataType type) {
    List<INDArray> all = allFeatures();
    int kept = spec().features().size();
    return all.subList(all.size() - kept, all.size()).stream().map(f -> f.castTo(type)).toList();
  }

  private List<INDArray> allFeatures() {
    return List.copyOf(group("input.feature").values());
  }

  public AttentionMechanism mechanism(DataType type) {
    return AttentionMechanism.fromNpz(spec(), group("param"), type);
  }

  public AttentionTrainingGraph graph(AttentionMechanism mechanism) {
    return new AttentionTrainingGraph(
        mechanism,
        Masking.parse(parts[1]),
        LossOptions.of(LossMode.parse(parts[2])),
        InputSpec.imageNet((int) get("input.images").size(1)),
        Precision.FLOAT32);
  }

  public int[][] psi() {
    INDArray psi = get("input.psi");
    int[][] rows = new int[(int) psi.size(0)][(int) psi.size(1)];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        rows[i][j] = psi.getInt(i, j);
      }
    }
    return rows;
  }

  @Override
  public String toString() {
    return name;
  }

  private static Map<String, INDArray> read() {
    try {
      return Npz.read(
          Path.of(GoldenCase.class.getResource("/org/ttame/core/attention/attention.npz").toURI()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
