package org.ttame.backbones.graph;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.PoolShape;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.core.masking.Masking;

/** Writes a VGG; layers are named {@code features.N} and {@code classifier.N} as in torchvision. */
final class VggGraph {
  private static final PoolShape POOL = new PoolShape(2, 2, 0);

  /** A linear layer, a ReLU and a dropout: torchvision numbers all three. */
  private static final int MODULES_PER_LINEAR = 3;

  private VggGraph() {}

  static BackboneGraph write(VggArchitecture vgg, LayerWriter writer) throws IOException {
    SDVariable x = writer.input(vgg.size(), vgg.channels());
    List<String> pools = new ArrayList<>();
    String cam = null;
    int channels = 3;
    for (VggArchitecture.Feature feature : vgg.features()) {
      String node = "features." + feature.index();
      switch (feature.kind()) {
        case CONVOLUTION -> {
          x = writer.convolution(node, x, new ConvShape(channels, feature.channels(), 3, 1, 1));
          channels = feature.channels();
        }
        case RELU -> {
          x = writer.relu(node, x);
          cam = node;
          writer.map(node, x, feature.channels(), feature.side());
        }
        case POOL -> {
          x = writer.maxPool(node, x, POOL);
          writer.map(node, x, feature.channels(), feature.side());
          pools.add(node);
        }
      }
    }
    int map = vgg.side() >> vgg.stages().size();
    if (map != vgg.grid()) {
      x = writer.averagePool("avgpool", x, map / vgg.grid());
    }
    int width = channels * vgg.grid() * vgg.grid();
    x = writer.graph().reshape("flatten", x, -1, width);
    List<Integer> widths = vgg.linearWidths();
    for (int i = 0; i < widths.size(); i++) {
      String layer = "classifier." + MODULES_PER_LINEAR * i;
      x = writer.linear(layer, x, width, widths.get(i));
      width = widths.get(i);
      if (i < widths.size() - 1) {
        x = writer.relu("classifier." + (MODULES_PER_LINEAR * i + 1), x);
      }
    }
    return writer.finish(x, pools, cam, Masking.CNN, null);
  }
}
