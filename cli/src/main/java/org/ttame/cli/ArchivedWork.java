package org.ttame.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.ttame.core.storage.AtomicFile;
import org.ttame.training.sample.SampleData;

/**
 * What most commands begin with: explains a picture by a classifier of the embedded sample. The
 * launcher runs it once, with {@code -XX:ArchiveClassesAtExit}, so that the JVM keeps the classes
 * that it loads in an archive for later starts.
 */
final class ArchivedWork {
  private ArchivedWork() {}

  /** Does the work in silence, with a folder for the files that it needs and makes. */
  public static void main(String[] args) throws IOException {
    System.exit(explain(Path.of(args[0])));
  }

  /** Explains the picture, and returns the exit code of {@code explain}. */
  static int explain(Path folder) throws IOException {
    Path classifier = new SampleData(folder).backbone("vgg");
    Path picture = folder.resolve("picture.jpg");
    BufferedImage black = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    AtomicFile.write(picture, out -> ImageIO.write(black, "jpg", out));
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    return new Main(nowhere, nowhere)
        .run(
            List.of(
                "explain",
                "--weights",
                classifier.toString(),
                "--images",
                picture.toString(),
                "--method",
                "gradcam",
                "--threads",
                "1",
                "--out",
                folder.resolve("maps").toString()));
  }
}
