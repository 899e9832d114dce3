package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.ttame.backbones.BackboneInfo;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.ZooDownload;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;

/** Turns weights from ONNX or the DL4J zoo into a file that loads faster. */
public final class Import {
  private Import() {}

  /**
   * What to import.
   *
   * @param file an ONNX file or a saved DL4J network; empty for the zoo's VGG16, to be downloaded
   * @param out the file to write
   * @param backbone what is known of the classifier
   */
  public record Options(Optional<Path> file, Path out, BackboneOptions backbone) {
    public Options {
      Objects.requireNonNull(file, "file");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(backbone, "backbone");
    }

    /** A file of which nothing more is known. */
    public static Options of(Path file, Path out) {
      return new Options(Optional.of(file), out, BackboneOptions.defaults());
    }
  }

  /**
   * What was done.
   *
   * @param source the file imported
   * @param written what is in the file written
   */
  public record Result(Path source, BackboneInfo written) {}

  /** Imports. */
  public static Result run(Options options, ProgressListener listener) throws IOException {
    Path out = options.out();
    if (Files.isDirectory(out)) {
      throw new IOException(
          Text.format("option 'out' %s is a folder; name the file to write", out));
    }
    Path source = options.file().isPresent() ? options.file().get() : download(listener);
    if (Files.exists(source) && Files.exists(out) && Files.isSameFile(source, out)) {
      throw new IOException(
          Text.format("option 'out' %s is the file that is to be imported; name another", out));
    }
    Backbones.importTo(source, out, options.backbone());
    BackboneInfo written = Backbones.inspect(out);
    written.assumptions().forEach(assumption -> listener.note(assumption.sentence()));
    return new Result(source, written);
  }

  private static Path download(ProgressListener listener) throws IOException {
    listener.note("the zoo's VGG16: downloaded unless it is here already");
    return ZooDownload.vgg16();
  }
}
