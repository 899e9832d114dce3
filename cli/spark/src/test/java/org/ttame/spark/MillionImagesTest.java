package org.ttame.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.eval.output.OutputNames;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.Shard;

/**
 * What the driver does of 1.3 million images, in a JVM with 512 MB: finds them, parts them into
 * shards, sends each, and counts what is done; nothing is classified, and no file is read.
 */
@Tag("fullsize")
class MillionImagesTest {
  private static final int IMAGES = 1_300_000;

  @TempDir Path folder;

  @Test
  void halfAGigabyteIsEnough() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                MillionImagesTest.class.getName(),
                folder.toString())
            .redirectErrorStream(true)
            .start();
    StringBuilder said = new StringBuilder();
    try (BufferedReader out = new BufferedReader(process.inputReader(StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.append(line).append('\n');
      }
    }
    assertThat(process.waitFor()).as("%s", said).isZero();
    assertThat(said).contains(IMAGES + " images").contains("sent in 635 shards");
  }

  /**
   * The work of the driver at a quarter, half and all of the images, that growth can be seen.
   *
   * @param args a folder to write in
   */
  public static void main(String[] args) throws IOException {
    for (int images : new int[] {IMAGES / 4, IMAGES / 2, IMAGES}) {
      Path list = Path.of(args[0]).resolve("list-" + images + ".txt");
      try (var writer = Files.newBufferedWriter(list, StandardCharsets.UTF_8)) {
        for (int i = 0; i < images; i++) {
          writer.write(
              Text.format("n%08d/n%08d_%05d.JPEG %d\n", i / 1300, i / 1300, i % 1300, i / 1300));
        }
      }
      long began = System.nanoTime();
      ImageList found = ImageList.of(list);
      String sum = found.namesSha256();
      long listed = System.nanoTime();
      Map<String, String> unusual = OutputNames.unusual(found.size(), found::name);
      int count = (images + 2047) / 2048;
      List<ShardTask.Images> shards =
          java.util.stream.IntStream.range(0, count)
              .mapToObj(i -> ShardTask.Images.of(found, new Shard(i, count), unusual))
              .toList();
      long parted = System.nanoTime();
      long bytes = 0;
      long done = 0;
      for (ShardTask.Images shard : shards) {
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream((OutputStream) sent)) {
          out.writeObject(shard);
        }
        bytes += sent.size();
        done += shard.texts().size();
      }
      long ended = System.nanoTime();
      Runtime.getRuntime().gc();
      long heap = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
      System.out.println(
          Text.format(
              "%d images (names %s): listed in %.1f s, parted in %.1f s, %d MB sent in %d shards in %.1f s;"
                  + " %d MB of heap are held, %d done",
              images,
              sum.substring(0, 8),
              (listed - began) / 1e9,
              (parted - listed) / 1e9,
              bytes >> 20,
              count,
              (ended - parted) / 1e9,
              heap >> 20,
              done));
      if (shards.size() != count || done != images) {
        throw new IllegalStateException("Not all images were sent");
      }
    }
  }
}
