package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.ttame.backbones.onnx.export.ExplainerFile.Classes;
import org.ttame.backbones.onnx.export.ExplainerFile.MapSizes;
import org.ttame.core.Named;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Export;

/** {@code ttame export}. */
final class ExportCommand implements Command {
  private static final OptionSpec FORMAT =
      OptionSpec.of(
          "format",
          "FORMAT",
          "npz",
          "npz (PyTorch's names and layout), samediff (a graph) or onnx (classifier and mechanism"
              + " in one file)");
  private static final OptionSpec OUT =
      OptionSpec.of(
          "out", "FILE", "the file to write (attention.npz, attention.sd, explainer.onnx)");
  private static final OptionSpec CLASS =
      OptionSpec.of(
          "class",
          "CLASS",
          "predicted",
          "onnx: class to explain: predicted, input (a second input of the file) or all");
  private static final OptionSpec MAP_SIZE =
      OptionSpec.of(
          "map-size",
          "SIZE",
          "native",
          "onnx: resolution of maps: native (the mechanism's) or image (the input's)");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "export",
        "exports the trained mechanism: as npz, SameDiff graph or ONNX file",
        null,
        List.of(CommonOptions.RUN, FORMAT, OUT, CLASS, MAP_SIZE, MethodArguments.CHECKPOINT),
        OptionSpec.all(
            List.of(CommonOptions.WEIGHTS, CommonOptions.BACKBONE),
            CommonOptions.CLASSIFIER,
            CommonOptions.COMPUTING),
        "ttame export --run runs/vgg16 --out attention.npz",
        List.of(
            "npz: branch.I.conv.weight and so on, float32; 'train --init' reads it back exactly.",
            "samediff: a graph for inference with placeholders feature.I (float32, [B,h,w,C], or"
                + " [B,1+h·w,C] with the class token first) and classes (int32, [B,M]); output maps"
                + " (float32, [B,M,h,w], before the sigmoid).",
            "onnx: the classifier's own file, unchanged, with the mechanism appended. Its output is"
                + " explanation (float32, [B,h,w] in [0,1]) for the predicted class or that of the"
                + " int64 input class [B], or explanations ([B,K,h,w]). Its metadata (ttame.*) say"
                + " how to preprocess a photograph.",
            "onnx, for a run on a .ttame or DL4J file: give the ONNX file that it was made from as"
                + " --weights."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Export.Format format =
        Export.Format.valueOf(
            arguments.oneOf(FORMAT, "npz", "samediff", "onnx").toUpperCase(Locale.ROOT));
    boolean onnx = format == Export.Format.ONNX;
    for (OptionSpec option : List.of(CLASS, MAP_SIZE)) {
      if (!onnx && arguments.has(option)) {
        throw new UsageException(option.dashed() + " belongs to --format onnx");
      }
    }
    String name =
        switch (format) {
          case NPZ -> "attention.npz";
          case SAMEDIFF -> "attention.sd";
          case ONNX -> "explainer.onnx";
        };
    Path out = arguments.path(OUT).orElse(Path.of(name));
    ClassifierChoice choice = ClassifierArguments.parse(arguments);
    Export.Options options =
        new Export.Options(
            MethodArguments.run(arguments),
            format,
            out,
            choice.weights(),
            Named.parse(
                Classes.class,
                "class to export",
                arguments.oneOf(CLASS, "predicted", "input", "all")),
            Named.parse(
                MapSizes.class, "size of maps", arguments.oneOf(MAP_SIZE, "native", "image")));
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      options.run().checkpointName(); // one that is not there is said first
      Engine.start(engine, console);
      ClassifierChoice loaded =
          onnx
              ? new ClassifierChoice(
                  Optional.of(Export.classifier(options)), choice.run(), choice.given())
              : choice;
      try (FrozenClassifier classifier = loaded.load(console)) {
        Export.Result result = Export.run(options, classifier);
        console.result(
            Text.format(
                "%s: variant %s of run %s, checkpoint %s",
                out, result.variant().optionName(), options.run().run(), result.checkpoint()));
      }
    };
  }
}
