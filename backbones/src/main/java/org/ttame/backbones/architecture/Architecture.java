package org.ttame.backbones.architecture;

import java.util.List;
import org.ttame.core.image.ImageSize;

/** The shape of a classifier: all that is needed to write its graph, but for the weights. */
public sealed interface Architecture
    permits VggArchitecture, ResNetArchitecture, VitArchitecture, Architecture.Imported {
  /**
   * The family's name: {@code vgg}, {@code resnet} or {@code vit}; {@code onnx} for any other
   * graph.
   */
  String family();

  /**
   * The name of the torchvision model of exactly this shape, else the family's; of any other graph
   * its file's.
   */
  String name();

  /** Height and width of its images in pixels. */
  ImageSize size();

  /** Channels of its images. */
  default int channels() {
    return 3;
  }

  /** Number of classes. */
  int classes();

  /** Trainable values, as torchvision counts them (a batch normalisation has two a channel). */
  long parameterCount();

  /**
   * The only number of images that its graph can take at once; 0 if it takes any. No image may have
   * an influence on another, which only the weights can show.
   */
  default int ownBatch() {
    return 0;
  }

  /** Of a graph with a batch of its own: why it can take no other, an operation each. */
  default List<String> mixing() {
    return List.of();
  }

  /** One line for people: depths and widths. */
  String describe();

  /** A classifier of no family: its architecture is the graph it was read from. */
  non-sealed interface Imported extends Architecture {}
}
