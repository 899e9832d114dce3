package org.ttame.backbones;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.ttame.core.Text;
import org.ttame.core.image.ImageReader;
import org.ttame.core.storage.InputFile;

/**
 * Files that people have of their networks and that are not read here: what they are, and the
 * command that makes an ONNX file of the network. Each text goes on from the file's name.
 */
final class OtherFormats {
  private static final String TORCH =
      "in the Python that defines the network run torch.onnx.export(model.eval(),"
          + " torch.zeros(1, 3, 224, 224), \"model.onnx\") and give that file";
  private static final String PYTORCH =
      "is a PyTorch file: pickled weights or objects, not a network that can be read safely; "
          + TORCH;
  private static final String SAFETENSORS =
      "holds weights alone (safetensors), not the network; load them into it and "
          + TORCH
          + ", or run optimum-cli export onnx --model FOLDER onnx/";
  private static final String KERAS =
      "is a Keras or HDF5 file; run python -m tf2onnx.convert --keras FILE --output model.onnx and"
          + " give that file";
  private static final String TFLITE =
      "is a TensorFlow Lite file; run python -m tf2onnx.convert --tflite FILE --output model.onnx"
          + " and give that file";
  private static final String TENSORFLOW =
      "is named as TensorFlow's files are; run python -m tf2onnx.convert --saved-model FOLDER"
          + " --output model.onnx (or --graphdef FILE --inputs IN:0 --outputs OUT:0) and give that"
          + " file";
  private static final String CORE_ML =
      "is named as Core ML's files are, which have no export to ONNX; export the network that it"
          + " was made of: "
          + TORCH;
  private static final String OPENVINO =
      "belongs to an OpenVINO network, which has no export to ONNX; give the ONNX file it was made"
          + " of, or export the network again: "
          + TORCH;

  private OtherFormats() {}

  /** What a file is by its first bytes, and what to do with it; empty if it may be read here. */
  static Optional<String> of(Path file, byte[] start) throws IOException {
    Optional<String> image = ImageReader.formatOf(start);
    if (image.isPresent()) {
      return Optional.of(
          Text.format(
              "is an image (%s), not a classifier; images go to option 'images' or option 'data'",
              image.get()));
    }
    if (ZooBridge.isZip(start)) {
      return ofZip(file);
    }
    String text = new String(start, StandardCharsets.ISO_8859_1);
    if (text.startsWith("\u0080\u0002") || text.startsWith("\u0080\u0004")) {
      return Optional.of(PYTORCH);
    }
    if (text.startsWith("\u0089HDF\r\n\u001a\n")) {
      return Optional.of(KERAS);
    }
    if (text.startsWith("TFL3", 4)) {
      return Optional.of(TFLITE);
    }
    if (text.startsWith("ORTM", 4)) {
      return Optional.of("is in ONNX Runtime's own format; give the .onnx file it was made of");
    }
    if (text.startsWith("{\"", 8)) {
      return Optional.of(SAFETENSORS);
    }
    if (text.startsWith("\u0093NUMPY")) {
      return Optional.of("is a numpy array, not a classifier");
    }
    if (text.startsWith("GGUF")) {
      return Optional.of("holds a language model (GGUF), not an image classifier");
    }
    if (text.startsWith("version https://git-lfs")) {
      return Optional.of(
          "is what git keeps in place of the file; run git lfs pull in its repository");
    }
    return ofMarkup(text.stripLeading().toLowerCase(Locale.ROOT));
  }

  private static Optional<String> ofMarkup(String text) {
    if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
      return Optional.of("is a web page, not the file itself; download it again");
    }
    return text.startsWith("<?xml") && text.contains("<net")
        ? Optional.of(OPENVINO)
        : Optional.empty();
  }

  private static Optional<String> ofZip(Path file) throws IOException {
    try (ZipFile zip = InputFile.zip(file)) {
      List<String> names = zip.stream().limit(10_000).map(ZipEntry::getName).toList();
      if (names.stream().anyMatch(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))) {
        return Optional.of(PYTORCH);
      }
      if (names.contains("model.weights.h5")) {
        return Optional.of(KERAS);
      }
      boolean arrays = !names.isEmpty() && names.stream().allMatch(name -> name.endsWith(".npy"));
      return arrays
          ? Optional.of(
              "holds numpy arrays, not a classifier; attention weights go to option 'init'")
          : Optional.empty();
    } catch (ZipException | IllegalArgumentException e) {
      return Optional.empty(); // the zip's own reader says what is wrong
    }
  }

  /**
   * What a file that is no ONNX model may be by its name, and what to do; these have no mark at
   * their start.
   */
  static Optional<String> ofName(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "pt", "pth", "ckpt" -> Optional.of(PYTORCH);
      case "safetensors" -> Optional.of(SAFETENSORS);
      case "h5", "hdf5", "keras" -> Optional.of(KERAS);
      case "tflite" -> Optional.of(TFLITE);
      case "pb" -> Optional.of(TENSORFLOW);
      case "mlmodel" -> Optional.of(CORE_ML);
      case "bin", "xml" -> Optional.of(OPENVINO);
      default -> Optional.empty();
    };
  }
}
