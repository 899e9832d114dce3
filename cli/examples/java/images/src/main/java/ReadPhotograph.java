import java.nio.file.Path;
import java.util.Arrays;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;
import org.ttame.core.image.Standardizer;

/** Decodes a photograph and makes a classifier's input of it, with Pillow's bits. */
public final class ReadPhotograph {
  public static void main(String[] args) throws Exception {
    RgbImage photograph = new ImageReader().read(Path.of(args[0]));
    var input = InputSpec.imageNet(224);
    var preprocessing = new Preprocessing(input);
    float[] unit = new float[preprocessing.length()];
    preprocessing.write(photograph, preprocessing.testPlan(photograph), unit, 0);
    try (var batch = Nd4j.create(new Standardizer(input).apply(unit), input.shape(1), 'c')) {
      System.out.println(photograph + " as " + Arrays.toString(batch.shape()));
    }
  }
}
