package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;

/**
 * The images of a {@code --data} argument, in an order that depends on their names alone.
 *
 * <p>Three forms:
 *
 * <ul>
 *   <li>a folder of images, subfolders included; no labels;
 *   <li>a folder of two or more class folders and no image beside them: a class's index is the
 *       place of its folder among the sorted names (empty ones count), as torchvision's ImageFolder
 *       has it, which need not be the classifier's: see {@link #relabelled};
 *   <li>a text file of {@code path[ label]} lines, or a single image. Relative paths start at the
 *       text file's folder; absolute ones and {@code ..} are taken as written, since a list is the
 *       user's own word for what to read.
 * </ul>
 *
 * <p>In folders, what is an image is told by its name's ending, names that start with a dot are
 * left out, and links are followed but never around a loop. Nothing is opened yet: a file that
 * turns out not to be readable is the reader's to report. Memory: about 35 bytes an image beyond
 * the path's own.
 */
public final class ImageList {
  /** {@link #label} of an image without one. */
  public static final int NO_LABEL = -1;

  private static final Set<String> ENDINGS =
      Set.of("jpg", "jpeg", "jpe", "jfif", "png", "bmp", "webp", "gif", "tif", "tiff");

  private final Path source;
  private final Path base;
  private final PathTable paths;
  private final int[] labels;
  private final List<String> classNames;

  ImageList(Path source, Path base, PathTable paths, int[] labels, List<String> classNames) {
    this.source = source;
    this.base = base;
    this.paths = paths;
    this.labels = labels;
    this.classNames = List.copyOf(classNames);
  }

  /**
   * Finds the images of a source.
   *
   * @param source folder, text file or image
   * @return its images, one at least
   * @throws IOException naming the source, if it is missing, unreadable, holds no image, or is a
   *     text file with a line that cannot be understood
   */
  public static ImageList of(Path source) throws IOException {
    Objects.requireNonNull(source, "source");
    if (!Files.exists(source)) {
      throw new IOException(Text.format("'%s' does not exist", source));
    }
    ImageListBuilder builder = new ImageListBuilder(source);
    if (Files.isDirectory(source)) {
      builder.readFolder();
    } else if (isImageName(source.toString())) {
      builder.addSingle();
    } else {
      builder.readListFile();
    }
    return builder.build();
  }

  /** Whether a file is an image, judged by its name. */
  static boolean isImageName(String name) {
    int dot = name.lastIndexOf('.');
    return dot >= 0 && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }

  /** What was asked for. */
  public Path source() {
    return source;
  }

  /** How many images there are, 1 or more. */
  public int size() {
    return paths.size();
  }

  /**
   * Where an image is.
   *
   * @param index 0 … size − 1
   * @return its path
   */
  public Path path(int index) {
    return base.resolve(paths.get(index));
  }

  /**
   * A name for an image and for what is written about it: its path inside the source, with slashes.
   * Never absolute and never climbing: of a list's paths that are, the root and leading {@code ..}
   * are left off.
   *
   * @param index 0 … size − 1
   * @return e.g. {@code n01440764/n01440764_18.JPEG}
   */
  public String name(int index) {
    Path path = Path.of(paths.get(index)).normalize();
    int first = 0;
    while (first < path.getNameCount() - 1 && path.getName(first).toString().equals("..")) {
      first++;
    }
    return path.subpath(first, path.getNameCount()).toString().replace('\\', '/');
  }

  /**
   * The class an image is labelled with.
   *
   * @param index 0 … size − 1
   * @return its index, or {@link #NO_LABEL}
   */
  public int label(int index) {
    return labels[Objects.checkIndex(index, labels.length)];
  }

  /** Whether any image has a label. */
  public boolean labelled() {
    return Arrays.stream(labels).anyMatch(label -> label != NO_LABEL);
  }

  /** The names of the class folders by index; empty for the other forms. */
  public List<String> classNames() {
    return classNames;
  }

  /**
   * The same images with other labels, e.g. a classifier's indices instead of the places of folders
   * that are not all of its classes.
   *
   * @param change from an image's label to its new one, which may be {@link #NO_LABEL}; not asked
   *     about images without a label
   * @return that list
   */
  public ImageList relabelled(IntUnaryOperator change) {
    int[] changed =
        Arrays.stream(labels)
            .map(label -> label == NO_LABEL ? NO_LABEL : change.applyAsInt(label))
            .toArray();
    return new ImageList(source, base, paths, changed, classNames);
  }

  /**
   * A smaller list: {@code most} images spread evenly over this one, so that class folders are all
   * represented.
   *
   * @param most the most images wanted, at least 1
   * @return that list, or this one if it is no longer
   */
  public ImageList limit(int most) {
    if (most < 1) {
      throw new IllegalArgumentException("A list is limited to one image at least, got " + most);
    }
    if (most >= size()) {
      return this;
    }
    int[] spread = new int[most];
    for (int i = 0; i < most; i++) {
      spread[i] = (int) ((long) i * size() / most);
    }
    return select(spread);
  }

  /**
   * Some of the images, in the order asked for.
   *
   * @param indices their places here, one at least
   * @return a list of just these
   */
  public ImageList select(int[] indices) {
    if (indices.length == 0) {
      throw new IllegalArgumentException("A list has one image at least, none was selected");
    }
    PathTable kept = new PathTable();
    int[] keptLabels = new int[indices.length];
    for (int i = 0; i < indices.length; i++) {
      kept.add(paths.get(indices[i]));
      keptLabels[i] = labels[indices[i]];
    }
    return new ImageList(source, base, kept, keptLabels, classNames);
  }

  /**
   * Tells this set of images from others, wherever it lies and however it was named.
   *
   * @return SHA-256 of the names in order, in hexadecimal
   */
  public String namesSha256() {
    Sha256 sum = new Sha256();
    for (int i = 0; i < size(); i++) {
      sum.line(name(i));
    }
    return sum.hex();
  }

  /** One line for people: {@code 1281167 images in 1000 class folders of 'train'}. */
  public String describe() {
    String count = size() == 1 ? "1 image" : size() + " images";
    if (!classNames.isEmpty()) {
      return Text.format("%s in %d class folders of '%s'", count, classNames.size(), source);
    }
    return Text.format("%s of '%s'", count, source);
  }

  /** Whether the platform can express a path at all. */
  static boolean isPath(String text) {
    try {
      return Path.of(text).getNameCount() > 0;
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
