package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * A stranger's DL4J zip never runs a stranger's code, and cannot ask for memory it does not fill.
 */
@Timeout(120)
class SavedNetworkTest {
  private static final String CONFIGURATION = "configuration.json";
  private static final String COEFFICIENTS = "coefficients.bin";

  /** Set by whatever must not run. */
  private static final AtomicBoolean RAN = new AtomicBoolean();

  @TempDir Path folder;
  private final Map<String, byte[]> entries = new LinkedHashMap<>();

  /** An object whose deserialisation runs code, as a gadget's does. */
  private static final class Payload implements Serializable {
    private static final long serialVersionUID = 1L;

    private void readObject(ObjectInputStream in) {
      RAN.set(true);
    }
  }

  /** A class of the right kind that is none of DL4J's. */
  public static final class Trap extends ActivationReLU {
    private static final long serialVersionUID = 1L;

    public Trap() {
      RAN.set(true);
    }
  }

  @BeforeEach
  void save() throws IOException {
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .weightInit(WeightInit.XAVIER)
                .list()
                .layer(
                    new ConvolutionLayer.Builder(3, 3)
                        .padding(1, 1)
                        .nOut(4)
                        .activation(Activation.RELU)
                        .build())
                .layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build())
                .layer(new DenseLayer.Builder().nOut(8).activation(Activation.RELU).build())
                .layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutionalFlat(8, 8, 3))
                .build());
    network.init();
    Path file = folder.resolve("saved.zip");
    ModelSerializer.writeModel(network, file.toFile(), false);
    network.close();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : zip.stream().map(ZipEntry.class::cast).toList()) {
        entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
      }
    }
    RAN.set(false);
  }

  @Test
  void serialisedObjectsAreLeftAlone() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(new Payload());
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      in.readObject();
    }
    assertThat(RAN.get()).as("the payload works").isTrue();
    RAN.set(false);
    entries.put("preprocessor.bin", bytes.toByteArray());
    Path file = write();
    assertThat(Backbones.inspect(file).provenance().get("not read"))
        .contains("preprocessor.bin", "Java object");
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.classes()).isEqualTo(3);
    }
    assertThat(RAN.get()).isFalse();
  }

  @Test
  void classesOfOthersAreNotMade() throws IOException {
    String name = Trap.class.getName();
    assertThat(configuration()).contains(ActivationReLU.class.getName());
    configuration(configuration().replace(ActivationReLU.class.getName(), name));
    refuses("names the class " + name);
    // A name under another key, and one that hides behind a second of the same key.
    save();
    configuration("{\"other\": [\"" + name + "\"], " + configuration().strip().substring(1));
    refuses("names the class " + name);
    save();
    String honest = "\"@class\" : \"" + ActivationReLU.class.getName() + "\"";
    assertThat(configuration()).contains(honest);
    configuration(configuration().replace(honest, "\"@class\" : \"" + name + "\", " + honest));
    refuses("configuration is damaged");
    assertThat(RAN.get()).isFalse();
  }

  @Test
  void announcedCountsAreCompared() throws IOException {
    byte[] good = entries.get(COEFFICIENTS);
    int type = indexOf(good, "FLOAT");
    for (long count : new long[] {Long.MAX_VALUE, 1L << 40, 7, -1}) {
      byte[] bad = good.clone();
      ByteBuffer.wrap(bad).putLong(type - 2 - Long.BYTES, count);
      entries.put(COEFFICIENTS, bad);
      refuses("its coefficients.bin announces");
    }
    byte[] shape = good.clone();
    ByteBuffer.wrap(shape).putLong(indexOf(good, "LONG", 15) - 2 - Long.BYTES, 1L << 40);
    entries.put(COEFFICIENTS, shape);
    refuses("its coefficients.bin announces");
    entries.put(COEFFICIENTS, java.util.Arrays.copyOf(good, good.length - 40));
    refuses("hostile.zip");

    save();
    configuration(configuration().replace("\"nout\" : 8", "\"nout\" : 2000000000"));
    configuration(configuration().replace("\"nOut\" : 8", "\"nOut\" : 2000000000"));
    refuses("its coefficients.bin announces");
  }

  @Test
  void bombsAreRefused() throws IOException {
    byte[] good = entries.get(COEFFICIENTS);
    entries.put(COEFFICIENTS, java.util.Arrays.copyOf(good, 100_000_000));
    refuses("no trained weights shrink like that");
    entries.put(COEFFICIENTS, good);
    configuration(configuration() + " ".repeat(10_000_000));
    refuses("its configuration.json has more than 8,388,608 bytes");
    save();
    configuration("[".repeat(200_000));
    refuses("configuration is damaged");
    save();
    for (int i = 0; i < 200; i++) {
      entries.put("e" + i, new byte[1]);
    }
    refuses("holds 202 entries");
  }

  /** Two entries of one name: who checks the first may read the second. */
  @Test
  void twoOfOneName() throws IOException {
    entries.put("configuration.jsoN", entries.get(CONFIGURATION));
    byte[] zip = Files.readAllBytes(write());
    byte[] other = "configuration.jsoN".getBytes(StandardCharsets.US_ASCII);
    for (int at = indexOf(zip, "configuration.jsoN"); at >= 0; ) {
      zip[at + other.length - 1] = 'n';
      at = indexOf(zip, "configuration.jsoN", at);
    }
    refuses(Files.write(folder.resolve("hostile.zip"), zip), "more than one entry");
  }

  private String configuration() {
    return new String(entries.get(CONFIGURATION), StandardCharsets.UTF_8);
  }

  private void configuration(String json) {
    entries.put(CONFIGURATION, json.getBytes(StandardCharsets.UTF_8));
  }

  private static int indexOf(byte[] bytes, String text) {
    return indexOf(bytes, text, 0);
  }

  private static int indexOf(byte[] bytes, String text, int from) {
    return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text, from);
  }

  private Path write() throws IOException {
    Path file = folder.resolve("hostile.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(entry.getKey()));
        out.write(entry.getValue());
      }
    }
    return file;
  }

  private void refuses(String words) throws IOException {
    refuses(write(), words);
  }

  private static void refuses(Path file, String words) {
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(words);
  }
}
