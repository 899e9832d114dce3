package org.ttame.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;

/**
 * The images of a {@code --data} or {@code --images} argument on a file system that Hadoop knows,
 * in the order and with the classes that {@link ImageList} gives a folder on disk. What is an image
 * is told by its name's ending alone: nothing is opened.
 */
final class HadoopImages {
  private HadoopImages() {}

  /**
   * Finds them: a folder, an image, or a text file, copied to {@code scratch}, that names images
   * beside or below it.
   */
  static ImageList list(
      String place, ImageSettings reading, ProgressListener listener, Path scratch)
      throws IOException {
    FileSystem files = Places.fileSystem(place);
    ImageList list;
    if (files.getFileStatus(Places.hadoop(place, "")).isDirectory()) {
      list = folder(files, place);
    } else if (ImageList.isCalledImage(place)) {
      String name = place.substring(place.lastIndexOf('/') + 1);
      list = list(place, List.of(name), List.of());
    } else {
      Path copy = scratch.resolve(place.substring(place.lastIndexOf('/') + 1));
      Places.fetch(files, place, "", copy);
      list = ImageSettings.find(copy, listener);
      for (int i = 0; i < list.size(); i++) {
        if (!list.text(i).equals(list.name(i))) {
          throw new IOException(
              Text.format(
                  "'%s' names '%s': a list on a Hadoop file system can only name images below its"
                      + " own folder",
                  place, list.text(i)));
        }
      }
    }
    return reading.limit().isPresent() ? reading.limit().get().from(list) : list;
  }

  /** Where the paths of a source begin. */
  static String base(String place) throws IOException {
    return Places.fileSystem(place).getFileStatus(Places.hadoop(place, "")).isDirectory()
        ? place
        : place.substring(0, place.lastIndexOf('/'));
  }

  private static ImageList folder(FileSystem files, String place) throws IOException {
    List<String> paths = Places.list(place);
    paths.removeIf(path -> !ImageList.isCalledImage(path) || isHidden(path));
    if (paths.isEmpty()) {
      throw new IOException(
          Text.format(
              "'%s' holds no image (jpg, png, bmp, webp, gif), nor do its subfolders", place));
    }
    List<String> folders = new ArrayList<>();
    for (FileStatus entry : files.listStatus(Places.hadoop(place, ""))) {
      if (entry.isDirectory() && !isHidden(entry.getPath().getName())) {
        folders.add(entry.getPath().getName());
      }
    }
    folders.sort(null);
    boolean classes = folders.size() > 1 && paths.stream().allMatch(path -> path.contains("/"));
    return list(place, paths, classes ? folders : List.of());
  }

  private static ImageList list(String place, List<String> paths, List<String> classNames) {
    int[] labels = new int[paths.size()];
    Arrays.fill(labels, ImageList.NO_LABEL);
    if (!classNames.isEmpty()) {
      for (int i = 0; i < labels.length; i++) {
        String path = paths.get(i);
        labels[i] =
            java.util.Collections.binarySearch(classNames, path.substring(0, path.indexOf('/')));
      }
    }
    return ImageList.of(Path.of(place), Path.of(place), paths, labels, classNames);
  }

  private static boolean isHidden(String path) {
    return path.startsWith(".") || path.contains("/.");
  }
}
