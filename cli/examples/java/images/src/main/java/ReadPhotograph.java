import java.nio.file.Path;
import java.util.Arrays;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;

/** Decodes a photograph and makes a classifier's input of it, with Pillow's bits. */
public final class ReadPhotograph {
  public static void main(String[] args) throws Exception {
    RgbImage photograph = new ImageReader().read(Path.of(args[0]));
    var preprocessing = new Preprocessing(InputSpec.imageNet(224));
    float[] pixels = new float[preprocessing.length()];
    preprocessing.write(photograph, preprocessing.testPlan(photograph), pixels, 0);
    preprocessing.standardise(pixels);
    try (var batch = preprocessing.batch(pixels)) {
      System.out.println(photograph + " as " + Arrays.toString(batch.shape()));
    }
  }
}
