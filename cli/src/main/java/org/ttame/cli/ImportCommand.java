package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.backbones.BackboneInfo;
import org.ttame.core.Text;
import org.ttame.services.Import;

/** {@code ttame import}. */
final class ImportCommand implements Command {
  /** The word that stands for a download of the zoo's VGG16. */
  private static final String VGG16 = "vgg16";

  private static final String ENDING = ".ttame";

  private static final OptionSpec WEIGHTS =
      OptionSpec.of("weights", "FILE", "the classifier's ONNX file");
  private static final OptionSpec ZOO =
      OptionSpec.of(
          "zoo", "FILE|vgg16", "a network that DL4J has saved (zip); vgg16: the zoo's, downloaded");
  private static final OptionSpec OUT =
      OptionSpec.of(
          "out", "FILE", "the file to write (in this folder, the source's name with .ttame)");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "import",
        "converts weights from ONNX or the DL4J zoo into a file that loads faster",
        null,
        List.of(WEIGHTS, ZOO, OUT),
        OptionSpec.all(
            List.of(CommonOptions.BACKBONE), CommonOptions.CLASSIFIER, CommonOptions.COMPUTING),
        "ttame import --weights vgg16.onnx --out vgg16.ttame",
        List.of(
            "The file holds architecture, weights, standardisation and provenance;"
                + " every --weights accepts it, and inspect describes it.",
            "--zoo takes the zoo's VGG16, ResNet50 and similar networks. The word"
                + " vgg16 downloads VGG16 with ImageNet's weights (about 530 MB) to where"
                + " DL4J keeps such files."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    arguments.exclusive(WEIGHTS, ZOO);
    Optional<Path> weights = arguments.path(WEIGHTS);
    Optional<Path> zoo = arguments.path(ZOO);
    if (weights.isEmpty() && zoo.isEmpty()) {
      throw new UsageException("--weights FILE or --zoo FILE is missing: the weights to import");
    }
    Path named = weights.orElseGet(zoo::orElseThrow);
    boolean download = weights.isEmpty() && named.equals(Path.of(VGG16));
    Optional<Path> out = arguments.path(OUT);
    Import.Options options =
        new Import.Options(
            download ? Optional.empty() : Optional.of(named),
            out.isPresent() ? out.get() : beside(named),
            ClassifierArguments.options(arguments));
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Engine.start(engine, console);
      Import.Result result = Import.run(options, console);
      BackboneInfo written = result.written();
      console.result(
          Text.format(
              "%s: %s, %d classes, %,d parameters, from %s, SHA-256 %s",
              options.out(),
              written.architecture().name(),
              written.output().classes(),
              written.architecture().parameterCount(),
              result.source(),
              written.provenance().get("imported-sha256")));
    };
  }

  /** The source's name with our ending, in the working folder. */
  private static Path beside(Path source) throws UsageException {
    Path name = source.getFileName();
    if (name == null) {
      throw new UsageException(Text.format("%s names no file", source));
    }
    return Path.of(name.toString().replaceFirst("(?<=.)\\.(onnx|zip)$", "") + ENDING);
  }
}
