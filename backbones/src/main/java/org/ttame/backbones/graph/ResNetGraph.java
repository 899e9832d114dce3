package org.ttame.backbones.graph;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.ResNetArchitecture.Block;
import org.ttame.core.Text;
import org.ttame.core.masking.Masking;

/** Writes a ResNet; layers are named {@code conv1}, {@code layerS.B.convN}, {@code fc}. */
final class ResNetGraph {
  private ResNetGraph() {}

  static BackboneGraph write(ResNetArchitecture resnet, LayerWriter writer) throws IOException {
    SDVariable x = writer.input(resnet.size(), resnet.channels());
    x = writer.relu("relu", writer.convolution("conv1", x, resnet.stem()));
    if (resnet.stemPool().isPresent()) {
      x = writer.maxPool("maxpool", x, resnet.stemPool().get());
    }
    int side = resnet.stemSide();
    List<String> stages = new ArrayList<>();
    for (int stage = 1; stage <= resnet.stages().size(); stage++) {
      List<Block> blocks = resnet.stages().get(stage - 1);
      for (int index = 0; index < blocks.size(); index++) {
        Block block = blocks.get(index);
        String node = Text.format("layer%d.%d", stage, index);
        x = block(node, x, block, writer);
        side = block.apply(side);
        writer.map(node, x, block.out(), side);
      }
      String node = "layer" + stage;
      writer.map(node, x, blocks.get(blocks.size() - 1).out(), side);
      stages.add(node);
    }
    if (resnet.headPool().isPresent()) {
      x = writer.maxPool("avgpool", x, resnet.headPool().get());
      x = writer.graph().reshape("flatten", x, -1, resnet.lastChannels());
    } else {
      x = writer.graph().mean("avgpool", x, 1, 2);
    }
    SDVariable logits = writer.linear("fc", x, resnet.lastChannels(), resnet.classes());
    String last = stages.get(stages.size() - 1);
    return writer.finish(logits, stages, last, Masking.CNN, null);
  }

  private static SDVariable block(String node, SDVariable x, Block block, LayerWriter writer)
      throws IOException {
    SDVariable y = x;
    for (int i = 0; i < block.body().size(); i++) {
      ConvShape conv = block.body().get(i);
      y = writer.convolution(Text.format("%s.conv%d", node, i + 1), y, conv);
      if (i < block.body().size() - 1) {
        y = writer.relu(Text.format("%s.relu%d", node, i + 1), y);
      }
    }
    SDVariable shortcut =
        block.shortcut().isPresent()
            ? writer.convolution(node + ".downsample.0", x, block.shortcut().get())
            : x;
    return writer.relu(node, y.add(node + ".sum", shortcut));
  }
}
