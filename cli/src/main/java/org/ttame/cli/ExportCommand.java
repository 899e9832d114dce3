package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.Export;

/** {@code ttame export}. */
final class ExportCommand implements Command {
  private static final OptionSpec FORMAT =
      OptionSpec.of(
          "format", "FORMAT", "npz", "npz (PyTorch's names and layout) or samediff (a graph)");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "FILE", "the file to write (attention.npz, attention.sd)");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "export",
        "writes the trained attention mechanism out",
        null,
        List.of(CommonOptions.RUN, FORMAT, OUT, MethodArguments.CHECKPOINT),
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.BACKBONE,
            CommonOptions.MEAN,
            CommonOptions.STD,
            CommonOptions.INPUT_SIZE,
            CommonOptions.RESIZE,
            CommonOptions.OUTPUT,
            CommonOptions.OUTPUT_KIND,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame export --run runs/vgg16 --out attention.npz",
        List.of(
            "npz: branch.I.conv.weight and so on, float32; 'train --init' reads it back exactly.",
            "samediff: a graph for inference with placeholders feature.I (float32, [B,h,w,C], or"
                + " [B,1+h·w,C] with the class token first) and classes (int32, [B,M]); output maps"
                + " (float32, [B,M,h,w], before the sigmoid)."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    String format = arguments.oneOf(FORMAT, "npz", "samediff", "onnx");
    if (format.equals("onnx")) {
      throw new UsageException(
          "--format onnx: this version does not write ONNX yet; use npz or samediff");
    }
    String name = format.equals("npz") ? "attention.npz" : "attention.sd";
    Path out = arguments.path(OUT).orElse(Path.of(name));
    Export.Options options =
        new Export.Options(
            MethodArguments.run(arguments),
            format.equals("npz") ? Export.Format.NPZ : Export.Format.SAMEDIFF,
            out);
    ClassifierChoice choice = ClassifierChoice.parse(arguments);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      options.run().checkpointName(); // one that is not there is said first
      Engine.start(engine, console);
      try (FrozenClassifier classifier = choice.load(console)) {
        Export.Result result = Export.run(options, classifier);
        console.result(
            Text.format(
                "%s: %s of %s, checkpoint %s",
                out, result.variant().optionName(), options.run().run(), result.checkpoint()));
      }
    };
  }
}
