package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.ttame.backbones.BackboneInfo;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.ZooDownload;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;

/**
 * The work of {@code import}.
 *
 * @param file an ONNX file or a saved DL4J network; empty for the zoo's VGG16, to be downloaded
 * @param out the file to write
 * @param options what is known of the classifier
 * @param engine what to compute on
 */
record ImportJob(Optional<Path> file, Path out, BackboneOptions options, Engine.Settings engine)
    implements Command.Job {
  @Override
  public void run(Console console) throws Exception {
    if (Files.isDirectory(out)) {
      throw new IOException(Text.format("--out %s is a folder; name the file to write", out));
    }
    Engine.start(engine, console);
    Path source = file.isPresent() ? file.get() : download(console);
    if (Files.exists(source) && Files.exists(out) && Files.isSameFile(source, out)) {
      throw new IOException(
          Text.format("--out %s is the file that is to be imported; name another", out));
    }
    Backbones.importTo(source, out, options);
    BackboneInfo written = Backbones.inspect(out);
    written.assumptions().forEach(assumption -> console.note(assumption.sentence()));
    console.result(
        Text.format(
            "%s: %s, %d classes, %,d parameters, from %s, SHA-256 %s",
            out,
            written.architecture().name(),
            written.architecture().classes(),
            written.architecture().parameterCount(),
            source,
            written.provenance().get("imported-sha256")));
  }

  private static Path download(Console console) throws IOException {
    console.note("the zoo's VGG16: downloaded unless it is here already");
    return ZooDownload.vgg16();
  }
}
