package org.ttame.backbones.onnx.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.InputFile;

/** The files beside an ONNX file that hold its weights. */
final class WeightFiles {
  private WeightFiles() {}

  /**
   * Copies them beside another file, under the same names: the graph names them, and stays as it
   * is.
   *
   * @param file the ONNX file
   * @param locations their paths as the file has them
   * @param out the other file
   * @throws BackboneException if one lies elsewhere, or another file is in its place
   */
  static void copy(Path file, Set<String> locations, Path out) throws IOException {
    Path from = folder(file);
    Path to = folder(out);
    for (String location : locations) {
      Path source = resolve(file, from, location);
      Path target = FileNames.resolve(to, location);
      if (target.equals(out.toAbsolutePath().normalize())) {
        throw new BackboneException(
            Text.format(
                "%s keeps weights in a file called %s, which the new one may not be called, too; give another file (option 'out')",
                file, location));
      }
      if (!Files.exists(target)) {
        AtomicFile.write(
            target,
            stream -> {
              try (var in = InputFile.open(source)) {
                in.transferTo(stream);
              }
            });
      } else if (!Files.isSameFile(source, target) && Files.mismatch(source, target) >= 0) {
        throw new BackboneException(
            Text.format(
                "%s holds something else than the weights that %s keeps under that name; give a file in another folder (option 'out')",
                target, file));
      }
    }
  }

  private static Path folder(Path file) {
    return file.toAbsolutePath().normalize().getParent();
  }

  private static Path resolve(Path file, Path folder, String location) throws BackboneException {
    try {
      Path relative = Path.of(location);
      boolean leaves = relative.isAbsolute();
      for (Path part : relative) {
        leaves |= part.toString().equals("..");
      }
      if (!leaves && !location.isEmpty()) {
        return FileNames.resolve(folder, location);
      }
    } catch (InvalidPathException e) {
      throw new BackboneException(
          Text.format("%s keeps weights in \"%s\", which is no file name", file, location), e);
    }
    throw new BackboneException(
        Text.format(
            "%s keeps weights in \"%s\", a path that does not stay beside it; export it with its weights in one file in its own folder",
            file, location));
  }
}
