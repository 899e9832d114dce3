package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.InputSpec;
import org.ttame.eval.metric.Box;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

class SampleInputsTest {
  /** The crop starts at pixel 4 of the 73×73 scene and is not scaled. */
  private static final int CORNER = 4;

  @TempDir private Path folder;

  @Test
  void boxesStayWithTheirScenesInAnySelection() throws IOException {
    TrainingInputs inputs = SampleInputs.unpack("vgg", folder, Optional.of(ImageDraw.of(1, "0")));
    List<SampleData.Box> items = new SampleData(folder.resolve(SampleInputs.FOLDER)).boxes("test");
    ImageList all = inputs.held().orElseThrow();
    for (ImageList scenes : List.of(all, ImageDraw.of(7, "0").from(all))) {
      IntFunction<List<Box>> boxes =
          inputs.objects().orElseThrow().in(scenes, InputSpec.imageNet(64));
      for (int i = 0; i < Math.min(scenes.size(), 20); i++) {
        String scene = scenes.name(i);
        List<Box> expected =
            items.stream()
                .filter(item -> item.scene().equals(scene))
                .map(
                    item ->
                        new Box(
                            item.label(),
                            item.x0() - CORNER,
                            item.y0() - CORNER,
                            item.x1() - CORNER,
                            item.y1() - CORNER))
                .toList();
        assertThat(boxes.apply(i)).as(scene).isNotEmpty().isEqualTo(expected);
      }
    }
  }
}
