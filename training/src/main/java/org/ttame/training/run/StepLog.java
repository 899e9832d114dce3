package org.ttame.training.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.ttame.core.Text;
import org.ttame.core.storage.InputFile;

/**
 * A file of one JSON object a line, each with its {@code step}, that grows with a run: {@code
 * steps.jsonl} and {@code classes.jsonl}.
 *
 * <p>A line is handed to the system whole, so a killed run leaves whole lines, but for a full disk.
 * A resumed run cuts off what lies beyond its checkpoint and writes it again.
 */
public final class StepLog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;

  private StepLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens a log to go on after a step; lines of later steps, and a broken last line, are cut off.
   *
   * @param file the log, made if missing
   * @param done the last step to keep; 0 for none
   * @return the log
   */
  public static StepLog open(Path file, long done) throws IOException {
    long keep = Files.exists(file) ? bytesUpTo(file, done) : 0;
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      channel.truncate(keep);
      channel.position(keep);
      endLastLine(channel);
      return new StepLog(file, channel);
    } catch (IOException e) {
      if (channel != null) {
        channel.close();
      }
      throw new IOException(Text.format("Could not write '%s': %s", file, e.getMessage()), e);
    }
  }

  /**
   * Appends a step.
   *
   * @param step what it did
   * @throws IOException naming the file, if the line cannot be written
   */
  public void append(StepRecord step) throws IOException {
    ObjectNode line = JSON.createObjectNode();
    line.put("step", step.step());
    line.put("epoch", step.epoch());
    line.put("loss", step.loss());
    line.put("ce", step.ce());
    line.put("area", step.area());
    line.put("variation", step.variation());
    line.put("lr", step.lr());
    line.put("momentum", step.momentum());
    line.put("images_per_s", step.imagesPerSecond());
    append(line);
  }

  /**
   * Appends the classes Ψ of a step.
   *
   * @param step 1 for the first
   * @param psi B rows, each image's own class first
   * @throws IOException naming the file, if the line cannot be written
   */
  public void append(long step, int[][] psi) throws IOException {
    ObjectNode line = JSON.createObjectNode();
    line.put("step", step);
    line.set("classes", JSON.valueToTree(psi));
    append(line);
  }

  /**
   * Makes all lines so far survive a power cut.
   *
   * @throws IOException naming the file, if the disk refuses
   */
  public void force() throws IOException {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw new IOException(Text.format("Could not write '%s': %s", file, e.getMessage()), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void append(ObjectNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new IOException(Text.format("Could not write '%s': %s", file, e.getMessage()), e);
    }
  }

  /**
   * The length of the part that ends with the last line of a step up to the given one. A damaged
   * line before it stays: what follows is not to be lost for it.
   */
  private static long bytesUpTo(Path file, long done) throws IOException {
    long bytes = 0;
    long kept = 0;
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(InputFile.open(file), StandardCharsets.ISO_8859_1))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        bytes += line.length() + 1L;
        kept = stepOf(line) <= done ? bytes : kept;
      }
    }
    return Math.min(kept, Files.size(file)); // the last line may lack its end
  }

  private static void endLastLine(FileChannel channel) throws IOException {
    long length = channel.position();
    ByteBuffer last = ByteBuffer.allocate(1);
    if (length > 0 && channel.read(last, length - 1) == 1 && last.get(0) != '\n') {
      channel.write(ByteBuffer.wrap(new byte[] {'\n'}));
    }
  }

  private static long stepOf(String line) {
    try {
      JsonNode step = JSON.readTree(line).path("step");
      return step.isIntegralNumber() && step.canConvertToLong() ? step.longValue() : Long.MAX_VALUE;
    } catch (JsonProcessingException e) {
      return Long.MAX_VALUE;
    }
  }
}
