package org.ttame.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.core.storage.WholeFile;
import org.ttame.services.TrainedRun;

/**
 * The work of {@code export}.
 *
 * @param run the trained mechanism
 * @param classifier its classifier
 * @param format {@code npz} or {@code samediff}
 * @param out the file to write
 * @param engine what to compute on
 */
record ExportJob(
    TrainedRun run, ClassifierChoice classifier, String format, Path out, Engine.Settings engine)
    implements Command.Job {
  @Override
  public void run(Console console) throws Exception {
    String checkpoint = run.checkpointName();
    Engine.start(engine, console);
    try (FrozenClassifier loaded = classifier.load(console);
        AttentionMechanism mechanism = run.mechanism(loaded)) {
      if (format.equals("npz")) {
        writeNpz(mechanism);
      } else {
        writeGraph(mechanism);
      }
      console.result(
          Text.format(
              "%s: %s of %s, checkpoint %s",
              out, mechanism.spec().variant().optionName(), run.run(), checkpoint));
    }
  }

  private void writeNpz(AttentionMechanism mechanism) throws IOException {
    Map<String, INDArray> arrays = mechanism.toNpz();
    try {
      Npz.write(out, arrays);
    } finally {
      arrays.values().forEach(INDArray::close);
    }
  }

  private void writeGraph(AttentionMechanism mechanism) throws IOException {
    SameDiff graph = SameDiff.create();
    List<SDVariable> features = new ArrayList<>();
    for (FeatureLayer layer : mechanism.spec().features()) {
      features.add(
          graph.placeHolder("feature." + features.size(), DataType.FLOAT, layer.outputShape(-1)));
    }
    SDVariable classes = graph.placeHolder("classes", DataType.INT32, -1, -1);
    mechanism.attach(graph, features, classes).rename("maps");
    ByteBuffer bytes = graph.asFlatBuffers(false);
    WholeFile.write(
        out,
        target -> {
          WritableByteChannel channel = Channels.newChannel(target);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }
}
