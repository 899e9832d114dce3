package org.ttame.training.sample;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.OutputFile;
import org.ttame.core.storage.TextFile;
import org.ttame.training.data.ImageList;

/**
 * The embedded sample: labelled scenes in three splits and a small trained classifier of each
 * family, taken from the program itself and put into a folder when asked for, so that they are
 * files like any user's. What they are and where they come from: {@code SAMPLE.md} beside them.
 */
public final class SampleData {
  /**
   * Where an item of a sample scene is.
   *
   * @param scene the scene's name in its split's image list, e.g. {@code 000002.jpg}
   * @param items how many items the scene has, 1 or 2
   * @param label the item's class
   * @param x0 left edge in pixels of the scene
   * @param y0 upper edge
   * @param x1 right edge, exclusive
   * @param y1 lower edge, exclusive
   */
  public record Box(String scene, int items, int label, int x0, int y0, int x1, int y1) {
    public Box {
      if (x0 < 0 || y0 < 0 || x1 <= x0 || y1 <= y0) {
        throw new IllegalArgumentException(
            Text.format("A box from (%d, %d) to (%d, %d) holds nothing", x0, y0, x1, y1));
      }
    }
  }

  /** The families there is a classifier of. */
  public static final List<String> FAMILIES = List.of("vgg", "resnet", "vit");

  /** The splits of the scenes. */
  public static final List<String> SPLITS = List.of("train", "val", "test");

  /** Where the items are, beside a split's scenes: a row an item, in pixels of the scene. */
  public static final String BOXES = ImageList.BOXES;

  private static final Pattern SCENE = Pattern.compile("(train|val|test)/[0-9]+\\.jpg");
  private static final String SCENES = "scenes";
  private static final String SUM = "scenes.sha256";

  private final Path folder;

  /**
   * The sample in a folder.
   *
   * @param folder made when something is put there; what is there already and whole is kept
   */
  public SampleData(Path folder) {
    this.folder = folder;
  }

  /**
   * A family by the name of one of its members.
   *
   * @param backbone {@code vgg16}, {@code resnet50}, {@code vit_b_16} or a family's own name
   * @return one of {@link #FAMILIES}
   * @throws IllegalArgumentException if there is no such family
   */
  public static String family(String backbone) {
    String name = backbone.toLowerCase(Locale.ROOT);
    return FAMILIES.stream()
        .filter(name::startsWith)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "The embedded sample has no '%s'; it has %s",
                        backbone, String.join(", ", FAMILIES))));
  }

  /**
   * A family's classifier.
   *
   * @param family one of {@link #FAMILIES}
   * @return its ONNX file
   */
  public Path backbone(String family) throws IOException {
    String name = family(family) + ".onnx";
    byte[] content = resource(name);
    Path file = folder.resolve(name);
    if (!Files.exists(file) || Files.size(file) != content.length) {
      AtomicFile.write(file, out -> out.write(content));
    }
    return file;
  }

  /**
   * The names of the classes.
   *
   * @return K names by index
   */
  public List<String> labels() throws IOException {
    return lines("labels.txt");
  }

  /**
   * A split's scenes, without labels: the boxes have them, and are put beside the scenes as {@link
   * #BOXES}.
   *
   * @param split one of {@link #SPLITS}
   */
  public ImageList images(String split) throws IOException {
    if (!SPLITS.contains(split)) {
      throw new IllegalArgumentException(
          Text.format(
              "The embedded sample has no split '%s'; it has %s",
              split, String.join(", ", SPLITS)));
    }
    Path scenes = scenes().resolve(split);
    Path boxes = scenes.resolve(BOXES);
    if (!Files.exists(boxes)) {
      StringBuilder rows = new StringBuilder("image,class,x0,y0,x1,y1\n");
      for (Box box : boxes(split)) {
        rows.append(
            Text.format(
                "%s,%d,%d,%d,%d,%d\n",
                box.scene(), box.label(), box.x0(), box.y0(), box.x1(), box.y1()));
      }
      AtomicFile.writeText(boxes, rows.toString());
    }
    return ImageList.of(scenes);
  }

  /** Where {@link #images} puts a split's scenes. */
  public Path folder(String split) {
    return folder.resolve(SCENES).resolve(split);
  }

  /**
   * The items of a split's scenes.
   *
   * @param split one of {@link #SPLITS}
   * @return a box an item, in the order of the scenes
   */
  public List<Box> boxes(String split) throws IOException {
    List<Box> boxes = new ArrayList<>();
    for (String line : lines("boxes.csv")) {
      String[] cells = line.split(",", -1);
      if (cells[1].equals(split)) {
        boxes.add(
            new Box(
                cells[0].substring(split.length() + 1),
                Integer.parseInt(cells[2]),
                Integer.parseInt(cells[3]),
                Integer.parseInt(cells[4]),
                Integer.parseInt(cells[5]),
                Integer.parseInt(cells[6]),
                Integer.parseInt(cells[7])));
      }
    }
    return boxes;
  }

  /** The folder of the unpacked scenes. */
  private Path scenes() throws IOException {
    byte[] zip = resource("scenes.zip");
    String sum = Sha256.of(zip);
    Path scenes = folder.resolve(SCENES);
    Path mark = scenes.resolve(SUM);
    if (Files.exists(mark) && TextFile.text(mark).strip().equals(sum)) {
      return scenes;
    }
    Path part = folder.resolve(".scenes.part");
    try {
      OutputFile.deleteTree(part);
      unpack(zip, part);
      Files.writeString(part.resolve(SUM), sum + "\n");
      OutputFile.deleteTree(scenes);
      Files.move(part, scenes, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      OutputFile.deleteTree(part);
      throw new IOException(
          Text.format(
              "Could not unpack the bundled sample into '%s': %s; choose a folder with space and"
                  + " write permission, or free some there",
              scenes, e.getMessage()),
          e);
    }
    return scenes;
  }

  private static void unpack(byte[] zip, Path target) throws IOException {
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        if (entry.isDirectory()) {
          continue;
        }
        if (!SCENE.matcher(entry.getName()).matches()) {
          throw new IOException(Text.format("The embedded sample holds '%s'", entry.getName()));
        }
        Path file = target.resolve(entry.getName());
        Files.createDirectories(file.getParent());
        Files.copy(in, file);
      }
    }
  }

  /** The lines of a text resource; of a table without its head. */
  private static List<String> lines(String name) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                new ByteArrayInputStream(resource(name)), StandardCharsets.UTF_8))) {
      return reader.lines().skip(name.endsWith(".csv") ? 1 : 0).filter(l -> !l.isBlank()).toList();
    }
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = SampleData.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("The embedded sample lacks " + name + "; this build is incomplete");
      }
      return in.readAllBytes();
    }
  }
}
