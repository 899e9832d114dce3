package org.ttame.eval.gallery;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npy;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;

/**
 * The pictures and maps that an evaluation keeps to be looked at: for each image {@code N.png},
 * what the classifier saw, {@code N.json}, its name and objects, and {@code N.METHOD.npy}, a map of
 * each method at the size it makes it; N is the image's place in its list, since the names of
 * untrusted files are not used for ours. Every file is whole or not there.
 */
public final class GalleryFolder {
  /** The folder's name inside an evaluation's output. */
  public static final String NAME = "gallery";

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final Path folder;

  /**
   * A gallery.
   *
   * @param output the evaluation's output
   */
  public GalleryFolder(Path output) {
    folder = output.resolve(NAME);
  }

  /**
   * An image that was kept.
   *
   * @param number its place in the list of images
   * @param image its name
   * @param boxes its objects, in pixels of the picture; empty where none are known
   */
  public record Entry(int number, String image, List<Box> boxes) {
    public Entry {
      boxes = List.copyOf(boxes);
    }
  }

  /**
   * What was kept, in the order of the list.
   *
   * @return the images; empty where no gallery is
   */
  public List<Entry> entries() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.filter(file -> file.getFileName().toString().endsWith(".json")).sorted().toList();
    }
    List<Entry> entries = new java.util.ArrayList<>();
    for (Path file : files) {
      try {
        entries.add(JSON.readValue(TextFile.text(file), Entry.class));
      } catch (com.fasterxml.jackson.core.JacksonException e) {
        throw new IOException(
            Text.format(
                "'%s' does not describe a picture of a gallery: %s", file, e.getOriginalMessage()),
            e);
      }
    }
    return List.copyOf(entries);
  }

  /** What the classifier saw of an image. */
  public RgbImage picture(Entry entry) throws IOException {
    return new ImageReader().read(file(entry.number(), ".png"));
  }

  /**
   * A method's map of an image.
   *
   * @return the map, or nothing if none was kept
   * @throws IOException naming the file, if it is there and cannot be read
   */
  public Optional<SaliencyMaps> map(Entry entry, String method) throws IOException {
    Path file = mapFile(entry.number(), method);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try (INDArray map = Npy.read(file)) {
      return Optional.of(SaliencyMaps.of(map));
    } catch (IllegalArgumentException e) {
      throw new IOException(Text.format("'%s' is no explanation map: %s", file, e.getMessage()), e);
    }
  }

  /** Keeps an image of a batch, unless it is there already. */
  void keep(int number, ImageBatch batch, int b) throws IOException {
    Path description = file(number, ".json");
    if (Files.exists(description)) {
      return;
    }
    byte[] png = PngWriter.encode(batch.picture(b));
    AtomicFile.write(file(number, ".png"), out -> out.write(png));
    // Last, so that whatever is described is there.
    Entry entry = new Entry(number, batch.names().get(b), batch.boxes(b));
    AtomicFile.writeText(description, JSON.writeValueAsString(entry) + "\n");
  }

  /** Keeps a map of an image. */
  void keep(int number, String method, SaliencyMaps maps, int b) throws IOException {
    try (INDArray map = Nd4j.create(maps.map(b), new long[] {maps.height(), maps.width()}, 'c')) {
      Npy.write(mapFile(number, method), map);
    }
  }

  private Path mapFile(int number, String method) {
    return file(number, "." + method + ".npy");
  }

  private Path file(int number, String ending) {
    return folder.resolve(Text.format("%05d%s", number, ending));
  }
}
