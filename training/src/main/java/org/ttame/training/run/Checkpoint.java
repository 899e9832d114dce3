package org.ttame.training.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.image.ImageException.Kind;
import org.ttame.core.npz.Npz;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.TextFile;

/**
 * A saved state: a folder with {@code attention.npz}, {@code optimizer.npz} (the velocities by
 * parameter name), {@code state.json} and, once its epoch has been validated, {@code
 * validation.json}.
 *
 * @param folder the folder
 */
public record Checkpoint(Path folder) {
  static final String ATTENTION = "attention.npz";
  static final String OPTIMIZER = "optimizer.npz";
  static final String STATE = "state.json";
  static final String VALIDATION = "validation.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Its name, e.g. {@code epoch-3}. */
  public String name() {
    return String.valueOf(folder.getFileName());
  }

  /**
   * The attention mechanism.
   *
   * @param spec its form
   * @return the mechanism; the caller closes it
   * @throws IllegalArgumentException if the arrays are those of another one
   * @throws IOException naming the file, if it is missing or damaged
   */
  public AttentionMechanism mechanism(AttentionSpec spec) throws IOException {
    return arrays(ATTENTION, file -> AttentionMechanism.read(spec, file));
  }

  /**
   * Tells one mechanism from another.
   *
   * @return the SHA-256 of its arrays' file
   */
  public String attentionSha256() throws IOException {
    return Sha256.of(folder.resolve(ATTENTION));
  }

  /**
   * The optimiser's velocities.
   *
   * @param parameters what is trained, by name
   * @return parameter name → array of the parameter's shape; the caller closes them
   * @throws IllegalArgumentException if there are others, or of other shapes
   * @throws IOException naming the file, if it is missing or damaged
   */
  public Map<String, INDArray> optimizer(Map<String, INDArray> parameters) throws IOException {
    return arrays(OPTIMIZER, file -> Npz.read(file, shapes -> checkShapes(parameters, shapes)));
  }

  private interface Reading<T> {
    T read(Path file) throws IOException;
  }

  /** Reads a file of arrays; says what to do if they are damaged or another mechanism's. */
  private <T> T arrays(String name, Reading<T> reading) throws IOException {
    Path file = folder.resolve(name);
    InputFile.require(file);
    try {
      return reading.read(file);
    } catch (IOException e) {
      throw new IOException(e.getMessage() + remedy(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          Text.format("%s in '%s'%s", e.getMessage(), file, remedy()), e);
    }
  }

  private String remedy() {
    return Text.format(
        "; restore the file, or choose another checkpoint with option 'checkpoint' (to resume, by"
            + " its name in '%s')",
        folder.resolveSibling("last"));
  }

  private static void checkShapes(Map<String, INDArray> parameters, Map<String, long[]> shapes) {
    shapes.forEach(
        (name, shape) -> {
          INDArray parameter = parameters.get(name);
          if (parameter == null) {
            throw new IllegalArgumentException("There is no parameter " + name);
          }
          if (!Arrays.equals(parameter.shape(), shape)) {
            throw new IllegalArgumentException(
                Text.format(
                    "Parameter %s has shape %s, its velocity %s",
                    name, Arrays.toString(parameter.shape()), Arrays.toString(shape)));
          }
        });
  }

  /**
   * Steps, passes and images left out so far.
   *
   * @throws IOException naming the file, if it is missing or damaged
   */
  public CheckpointState state() throws IOException {
    Path file = folder.resolve(STATE);
    JsonNode json = read(file);
    try {
      SortedMap<Integer, Kind> skipped = new TreeMap<>();
      json.required("skipped")
          .properties()
          .forEach(
              image ->
                  skipped.put(
                      Integer.valueOf(image.getKey()), Kind.valueOf(image.getValue().asText())));
      return new CheckpointState(
          StoredNumbers.count(json, "step", Long.MAX_VALUE),
          (int) StoredNumbers.count(json, "epoch", Integer.MAX_VALUE),
          StoredNumbers.count(json, "forward_passes", Long.MAX_VALUE),
          StoredNumbers.count(json, "backward_passes", Long.MAX_VALUE),
          skipped);
    } catch (IllegalArgumentException e) {
      throw damaged(file, e.getMessage(), e);
    }
  }

  /**
   * What its validation found.
   *
   * @return the JSON written by {@link #writeValidation}, or empty if it was not validated
   * @throws IOException naming the file, if it is damaged
   */
  public Optional<JsonNode> validation() throws IOException {
    Path file = folder.resolve(VALIDATION);
    return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
  }

  /**
   * Keeps what its validation found.
   *
   * @param validation any JSON object
   */
  public void writeValidation(JsonNode validation) throws IOException {
    AtomicFile.writeText(folder.resolve(VALIDATION), validation.toPrettyString() + "\n");
  }

  static void write(
      Path folder,
      Map<String, INDArray> attention,
      Map<String, INDArray> optimizer,
      CheckpointState state)
      throws IOException {
    Npz.write(folder.resolve(ATTENTION), attention);
    Npz.write(folder.resolve(OPTIMIZER), optimizer);
    AtomicFile.writeText(
        folder.resolve(STATE),
        JSON.createObjectNode()
                .put("step", state.step())
                .put("epoch", state.epoch())
                .put("forward_passes", state.forwardPasses())
                .put("backward_passes", state.backwardPasses())
                .set("skipped", JSON.valueToTree(state.skipped()))
                .toPrettyString()
            + "\n");
  }

  private static JsonNode read(Path file) throws IOException {
    try {
      return JSON.readTree(TextFile.text(file));
    } catch (JsonProcessingException e) {
      throw damaged(file, "it is not JSON", e);
    }
  }

  /** What is wrong with one of its files. */
  private static IOException damaged(Path file, String how, Exception e) {
    return new IOException(
        Text.format(
            "'%s' is damaged: %s; restore it, or name another checkpoint in '%s'",
            file, how, file.resolveSibling("../last").normalize()),
        e);
  }
}
