package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.source.BackboneException;

/** Networks in other formats are named by what they hold, whatever they are called. */
class OtherFormatsTest {
  @TempDir Path folder;

  private void refused(String name, String content, String what, String how) throws IOException {
    Path file = Files.writeString(folder.resolve(name), content, StandardCharsets.ISO_8859_1);
    refused(file, what, how);
  }

  private static void refused(Path file, String what, String how) {
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageStartingWith(file + " ")
        .hasMessageContaining(what)
        .hasMessageContaining(how);
  }

  private Path zip(String name, String... entries) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String entry : entries) {
        zip.putNextEntry(new ZipEntry(entry));
      }
    }
    return file;
  }

  @Test
  void theContentDecides() throws IOException {
    refused("legacy.onnx", "\u0080\u0002\u008a\nl\u00fc\u009cF", "PyTorch", "torch.onnx.export(");
    refused("a.bin", "\u0098\0\0\0\0\0\0\0{\"__metadata__\":{}}", "safetensors", "optimum-cli");
    refused("net.onnx", "\u0089HDF\r\n\u001a\n\0\0", "Keras", "tf2onnx.convert --keras");
    refused("net", "\u001c\0\0\0TFL3\0\0", "TensorFlow Lite", "tf2onnx.convert --tflite");
    refused("net.ort", " \0\0\0ORTM\0\0", "ONNX Runtime", "give the .onnx file");
    refused("w.npy", "\u0093NUMPY\1\0", "numpy", "not a classifier");
    refused("llm.onnx", "GGUF\3\0\0\0", "language model", "not an image classifier");
    refused("cat.onnx", "\u0089PNG\r\n\u001a\n\0\0\0\rIHDR", "an image (PNG)", "option 'images'");
    refused(
        "cat.weights",
        "\u00ff\u00d8\u00ff\u00e0\0\u0010JFIF",
        "an image (JPEG)",
        "option 'images'");
    refused("l.onnx", "version https://git-lfs.github.com/spec/v1\n", "git", "git lfs pull");
    refused("e.onnx", "<!DOCTYPE html>\n<title>404</title>", "web page", "download it again");
    refused("ir.xml", "<?xml version=\"1.0\"?>\n<net name=\"n\">", "OpenVINO", "torch.onnx");
    refused(zip("script.pt", "net/code/x.py", "net/data.pkl"), "PyTorch", "torch.onnx.export(");
    refused(
        zip("net.keras", "metadata.json", "config.json", "model.weights.h5"), "Keras", "--keras");
    refused(
        zip("run.npz", "fusion.weight.npy", "fusion.bias.npy"), "numpy arrays", "option 'init'");
  }

  @Test
  void theNameHelpsWhereTheContentSaysNothing() throws IOException {
    refused("frozen.pb", "\n\u0010\n\u0005input\u0012\u0007", "TensorFlow", "--saved-model");
    refused("net.mlmodel", "\u0008\u0004\u0012\u0003abc", "Core ML", "torch.onnx.export(");
    refused("net.bin", "\1\2\3\4\5\6\7\u0008\t", "OpenVINO", "torch.onnx.export(");
    refused("net.pth", "ustar or so", "PyTorch", "torch.onnx.export(");
    refused("other.onnx", "\1\2\3\4", "", "ONNX");
  }
}
