package org.ttame.training.data;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.core.image.ImageReader;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.InputFile;

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
 * <p>In folders, what is an image is told by its name's ending, or by how it begins where the
 * ending says nothing; an image of a format that is not read, such as HEIC, is one. What is none,
 * and names that start with a dot, are left out and counted; links are followed but never around a
 * loop. A file that turns out not to be readable is the reader's to report. Memory: about 35 bytes
 * an image beyond the path's own.
 */
public final class ImageList {
  /** {@link #label} of an image without one. */
  public static final int NO_LABEL = -1;

  /** What a path of Windows may begin with. */
  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:");

  /** Of images, read here or not: those that are not are the reader's to report. */
  private static final Set<String> ENDINGS =
      Set.of(
          ("jpg jpeg jpe jfif png apng bmp dib webp gif tif tiff heic heif hif avif avifs jp2 j2k j2c"
                  + " jpf jpx jpm jxl jxr wdp hdp cr2 cr3 crw nef nrw arw srf sr2 dng orf rw2 raf pef"
                  + " srw x3f 3fr erf kdc mrw psd psb svg svgz pdf eps exr hdr pfm ppm pgm pbm pnm pam"
                  + " tga ico cur pcx xcf qoi dds fits dcm")
              .split(" ", -1));

  /** Of what lies beside images and is none, whatever it begins with. */
  private static final Set<String> OTHERS =
      Set.of(
          ("txt json jsonl csv tsv md html htm xml yaml yml log ini cfg toml properties py ipynb sh"
                  + " npy npz onnx ttame data pt pth safetensors db zip gz tar tgz 7z mat pkl mp4 mov"
                  + " avi mkv part tmp bak url lnk")
              .split(" ", -1));

  private final Path source;
  private final Path base;
  private final PathTable paths;
  private final int[] labels;
  private final List<String> classNames;
  private final int others;

  ImageList(
      Path source, Path base, PathTable paths, int[] labels, List<String> classNames, int others) {
    this.others = others;
    this.source = source;
    this.base = base;
    this.paths = paths;
    this.labels = labels;
    this.classNames = List.copyOf(classNames);
  }

  /** The table of objects' boxes that commands look for among images. */
  public static final String BOXES = "boxes.csv";

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
    } else if (isImage(source, source.toString())) {
      builder.addSingle();
    } else {
      builder.readListFile();
    }
    return builder.build();
  }

  /**
   * A list that is known from elsewhere; nothing is looked at.
   *
   * @param source what it was made of, for people
   * @param base where its paths begin
   * @param paths those of the images, one at least, as {@link #text} has them
   * @param labels a class, or {@link #NO_LABEL}, for each
   * @param classNames the names of class folders; empty for other forms
   */
  public static ImageList of(
      Path source, Path base, List<String> paths, int[] labels, List<String> classNames) {
    if (paths.isEmpty() || paths.size() != labels.length) {
      throw new IllegalArgumentException(
          Text.format("%d images with %d labels are no list", paths.size(), labels.length));
    }
    PathTable table = new PathTable();
    paths.forEach(table::add);
    return new ImageList(source, base, table, labels.clone(), classNames, 0);
  }

  /** Whether a file is called as images are, whatever is in it. */
  public static boolean isCalledImage(String name) {
    int dot = name.lastIndexOf('.');
    return dot > 0 && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }

  /** Whether a file is an image, judged by its name, or by its content where that says nothing. */
  static boolean isImage(Path file, String name) {
    int dot = name.lastIndexOf('.');
    String ending = dot > 0 ? name.substring(dot + 1).toLowerCase(Locale.ROOT) : "";
    if (ENDINGS.contains(ending)) {
      return true;
    }
    if (OTHERS.contains(ending) || !Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream in = InputFile.open(file)) {
      return ImageReader.formatOf(in.readNBytes(ImageReader.START)).isPresent();
    } catch (IOException e) {
      return false; // what cannot be read, and is not called an image, is none
    }
  }

  /** What was asked for. */
  public Path source() {
    return source;
  }

  /** How many files of the folder, hidden ones included, were left out since they are no images. */
  public int others() {
    return others;
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
    return FileNames.resolve(base, paths.get(index));
  }

  /**
   * An image's path as it is kept: where {@link #path} looks for it, seen from the base.
   *
   * @param index 0 … size − 1
   */
  public String text(int index) {
    return paths.get(index);
  }

  /**
   * A name for an image and for what is written about it: its path inside the source, with slashes.
   * Never absolute and never climbing: of a list's paths that are, the root and leading {@code ..}
   * are left off. Bytes of a name that are not UTF-8 are written as {@code %E9}.
   *
   * @param index 0 … size − 1
   * @return e.g. {@code n01440764/n01440764_18.JPEG}
   */
  public String name(int index) {
    String text = withSlashes(paths.get(index));
    Deque<String> names = new ArrayDeque<>();
    for (String name : text.split("/", -1)) {
      if (name.equals("..")) {
        names.pollLast();
      } else if (!name.isEmpty() && !name.equals(".") && !DRIVE.matcher(name).matches()) {
        names.add(name);
      }
    }
    return FileNames.shown(names.isEmpty() ? text : String.join("/", names));
  }

  /** A path's text with slashes; where another sign parts names, a slash is none of theirs. */
  static String withSlashes(String path) {
    return path.replace(File.separatorChar, '/');
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
   */
  public ImageList relabelled(IntUnaryOperator change) {
    int[] changed =
        Arrays.stream(labels)
            .map(label -> label == NO_LABEL ? NO_LABEL : change.applyAsInt(label))
            .toArray();
    return new ImageList(source, base, paths, changed, classNames, others);
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
    return new ImageList(source, base, kept, keptLabels, classNames, others);
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
      return FileNames.resolve(Path.of(""), text).getNameCount() > 0;
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
