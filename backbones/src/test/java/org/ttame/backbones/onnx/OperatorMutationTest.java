package org.ttame.backbones.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import onnx.Onnx;
import onnx.Onnx.AttributeProto;
import onnx.Onnx.GraphProto;
import onnx.Onnx.ModelProto;
import onnx.Onnx.NodeProto;
import onnx.Onnx.TensorProto;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.onnx.ConformanceCase.Kind;
import org.ttame.backbones.onnx.ConformanceCase.Outcome;
import org.ttame.backbones.source.BackboneException;

/**
 * ONNX's node tests with something changed at random: an attribute, the operator set, the order of
 * operands, an index, a shape. What is imported gives ONNX Runtime's values; the rest is refused.
 * Nothing fails otherwise.
 */
class OperatorMutationTest {
  private static final String GIVEN = "given:";
  private static final String EXPECTED = "expected:";
  private static final String TOLERANCE = "tolerance";

  /** What may be written where a word stands, beside what other nodes say. */
  private static final List<String> WORDS =
      List.of(
          "SAME_UPPER",
          "SAME_LOWER",
          "VALID",
          "edge",
          "reflect",
          "wrap",
          "constant",
          "linear",
          "cubic",
          "nearest",
          "floor",
          "ceil",
          "asymmetric",
          "align_corners",
          "half_pixel",
          "pytorch_half_pixel",
          "CRD",
          "DCR",
          "tanh",
          "none",
          "add",
          "nonsense");

  @TempDir Path folder;

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void changedOperatorsAreRightOrRefused() throws Exception {
    mutate(ConformanceCase.bundled(folder), 700, 1);
  }

  /**
   * {@code -Dttame.conformance=FOLDER} takes all node tests, {@code -Dttame.mutants=N} so many.
   * ONNX Runtime 1.26 ends the process on some changes that {@link Mutant#endsTheProcess} does not
   * know.
   */
  @Test
  @Tag("fullsize")
  void manyChangedOperatorsAreRightOrRefused() throws Exception {
    String all = System.getProperty("ttame.conformance");
    List<ConformanceCase> cases =
        all == null ? ConformanceCase.bundled(folder) : ConformanceCase.in(Path.of(all));
    mutate(cases, Integer.getInteger("ttame.mutants", 20_000), 2);
  }

  private void mutate(List<ConformanceCase> cases, int count, long seed) throws Exception {
    List<ConformanceCase> floats = cases.stream().filter(ConformanceCase::float32).toList();
    Random random = new Random(seed);
    List<String> wrong = new ArrayList<>();
    int right = 0;
    Path file = folder.resolve("mutant.onnx");
    Map<String, Boolean> agreeing = new HashMap<>();
    for (int i = 0; i < count; i++) {
      ConformanceCase test = floats.get(random.nextInt(floats.size()));
      ModelProto original = ModelProto.parseFrom(Files.readAllBytes(test.file()));
      Mutant mutant = new Mutant(original, random);
      String change = mutant.change();
      if (change == null) {
        continue;
      }
      boolean known =
          agreeing.computeIfAbsent(test.name(), key -> new Mutant(original, random).isAgreedOn())
              && mutant.askOnnxRuntime();
      Files.write(file, mutant.model().toByteArray());
      Outcome outcome =
          outcome(new ConformanceCase(file, test.operator(), test.since(), true), random);
      boolean failed = outcome.reason().startsWith("fails:");
      if (outcome.kind() == Kind.WRONG && (known || failed)) {
        wrong.add(i + ": " + test + ", " + change + ": " + outcome.reason());
      } else if (outcome.kind() == Kind.PASSED && known) {
        right++;
      }
    }
    assertEquals(List.of(), wrong);
    int passed = right;
    assertTrue(passed > count / 20, () -> "only " + passed + " are imported at all");
  }

  /** In one of the ways in which a classifier may hold it. */
  private static Outcome outcome(ConformanceCase test, Random random) throws IOException {
    List<ImportedNode> ways;
    try {
      ways = ImportedNode.ways(test);
    } catch (UnsupportedGraphException | BackboneException e) {
      return new Outcome(Kind.REFUSED, e.getMessage());
    }
    if (ways.isEmpty()) {
      return new Outcome(Kind.REFUSED, "no way");
    }
    ImportedNode way = ways.get(random.nextInt(ways.size()));
    Outcome outcome =
        test.run(
            (model, inputs) -> {
              try {
                return way.run(model, inputs);
              } catch (ArithmeticException
                  | IndexOutOfBoundsException
                  | NullPointerException
                  | IllegalArgumentException e) {
                // While a file is read these say that it contradicts itself, see Families.
                if (isOfTheEngine(e)) {
                  throw e;
                }
                throw new UnsupportedGraphException(String.valueOf(e.getMessage()));
              }
            });
    // A classifier whose logits are not numbers says so. What ONNX Runtime makes of them differs.
    boolean loud = outcome.reason().contains("has NaN instead of");
    return new Outcome(loud ? Kind.REFUSED : outcome.kind(), outcome.reason() + " (" + way + ")");
  }

  private static boolean isOfTheEngine(RuntimeException e) {
    for (StackTraceElement frame : e.getStackTrace()) {
      if (frame.getClassName().startsWith("org.ttame.core.engine")) {
        return true;
      }
    }
    return false;
  }

  /** A node test with one thing changed. */
  private static final class Mutant {
    private final Random random;
    private final ModelProto.Builder model;
    private final GraphProto.Builder graph;

    Mutant(ModelProto original, Random random) {
      this.random = random;
      model = original.toBuilder();
      graph = model.getGraphBuilder();
    }

    ModelProto model() {
      return model.build();
    }

    /** Changes something and says what; null where there is nothing of the kind. */
    String change() {
      NodeProto.Builder node = graph.getNodeBuilder(random.nextInt(graph.getNodeCount()));
      return switch (random.nextInt(8)) {
        case 0 -> operatorSet();
        case 1 -> operands(node);
        case 2 -> index();
        case 3 -> shape();
        case 4 -> dropped(node);
        default -> attribute(node);
      };
    }

    private String operatorSet() {
      int version = 6 + random.nextInt(19);
      model.getOpsetImportBuilder(0).setVersion(version);
      return "operator set " + version;
    }

    private String operands(NodeProto.Builder node) {
      int count = node.getInputCount();
      if (count < 2) {
        return null;
      }
      int a = random.nextInt(count);
      int b = random.nextInt(count);
      String first = node.getInput(a);
      node.setInput(a, node.getInput(b)).setInput(b, first);
      return a == b ? null : "operands " + a + " and " + b + " of " + node.getOpType() + " swapped";
    }

    /** Another whole number among those that stand for indices, axes and shapes. */
    private String index() {
      List<TensorProto.Builder> whole = new ArrayList<>();
      for (TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
        if (tensor.getDataType() == 7 && tensor.getRawData().size() >= 8) {
          whole.add(tensor);
        }
      }
      if (whole.isEmpty()) {
        return null;
      }
      TensorProto.Builder tensor = whole.get(random.nextInt(whole.size()));
      byte[] bytes = tensor.getRawData().toByteArray();
      int at = random.nextInt(bytes.length / 8);
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      long value = changed(buffer.getLong(8 * at));
      buffer.putLong(8 * at, value);
      tensor.setRawData(ByteString.copyFrom(bytes));
      return tensor.getName() + "[" + at + "] = " + value;
    }

    private long changed(long value) {
      return switch (random.nextInt(5)) {
        case 0 -> value + 1;
        case 1 -> value - 1;
        case 2 -> -value;
        case 3 -> random.nextInt(6) - 2;
        default -> random.nextBoolean() ? value * 2 : Integer.MAX_VALUE;
      };
    }

    /** Two sizes of an input exchanged, or one moved to another axis. */
    private String shape() {
      List<TensorProto.Builder> given = new ArrayList<>();
      for (TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
        if (tensor.getName().startsWith(GIVEN)
            && tensor.getDataType() == 1
            && tensor.getDimsCount() > 1) {
          given.add(tensor);
        }
      }
      if (given.isEmpty()) {
        return null;
      }
      TensorProto.Builder tensor = given.get(random.nextInt(given.size()));
      int a = random.nextInt(tensor.getDimsCount());
      int b = random.nextInt(tensor.getDimsCount());
      long first = tensor.getDims(a);
      if (random.nextBoolean()) {
        tensor.setDims(a, tensor.getDims(b)).setDims(b, first);
      } else {
        tensor.setDims(a, 1).setDims(b, tensor.getDims(b) * (a == b ? 1 : first));
        if (a == b) {
          tensor.setDims(a, first);
          return null;
        }
      }
      String name = tensor.getName().substring(GIVEN.length());
      for (Onnx.ValueInfoProto.Builder input : graph.getInputBuilderList()) {
        if (input.getName().equals(name)) {
          Onnx.TensorShapeProto.Builder sizes =
              input.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().clearDim();
          tensor.getDimsList().forEach(size -> sizes.addDimBuilder().setDimValue(size));
        }
      }
      return name + " of shape " + tensor.getDimsList();
    }

    private String dropped(NodeProto.Builder node) {
      if (random.nextBoolean() && node.getAttributeCount() > 0) {
        int index = random.nextInt(node.getAttributeCount());
        String name = node.getAttribute(index).getName();
        node.removeAttribute(index);
        return node.getOpType() + " without " + name;
      }
      int count = node.getInputCount();
      if (count < 2) {
        return null;
      }
      List<String> inputs = new ArrayList<>(node.getInputList());
      String gone = inputs.remove(count - 1);
      node.clearInput().addAllInput(inputs);
      return node.getOpType() + " without " + gone;
    }

    private String attribute(NodeProto.Builder node) {
      if (node.getAttributeCount() == 0) {
        String name = List.of("axis", "alpha", "keepdims", "mode").get(random.nextInt(4));
        node.addAttributeBuilder()
            .setName(name)
            .setType(AttributeProto.AttributeType.INT)
            .setI(random.nextInt(5) - 2);
        return node.getOpType() + " with " + name;
      }
      AttributeProto.Builder attribute =
          node.getAttributeBuilder(random.nextInt(node.getAttributeCount()));
      String value;
      switch (attribute.getType()) {
        case INT -> {
          attribute.setI(changed(attribute.getI()));
          value = String.valueOf(attribute.getI());
        }
        case INTS -> {
          if (attribute.getIntsCount() == 0) {
            return null;
          }
          int at = random.nextInt(attribute.getIntsCount());
          if (random.nextInt(6) == 0) {
            attribute.addInts(attribute.getInts(at));
          } else {
            attribute.setInts(at, changed(attribute.getInts(at)));
          }
          value = attribute.getIntsList().toString();
        }
        case FLOAT -> {
          float[] factors = {0, -1, 0.5f, 3};
          attribute.setF(attribute.getF() * factors[random.nextInt(factors.length)]);
          value = String.valueOf(attribute.getF());
        }
        case STRING -> {
          value = WORDS.get(random.nextInt(WORDS.size()));
          attribute.setS(ByteString.copyFromUtf8(value));
        }
        default -> {
          return null;
        }
      }
      return node.getOpType() + " with " + attribute.getName() + " = " + value;
    }

    /** Whether ONNX Runtime of this version gives what the test, unchanged, expects. */
    boolean isAgreedOn() {
      Map<String, double[]> expected = expected();
      if (!askOnnxRuntime()) {
        // Of an operator set of tomorrow: what it says of an older one counts.
        return true;
      }
      Map<String, double[]> found = expected();
      return expected.keySet().stream()
          .allMatch(name -> alike(expected.get(name), found.get(name)));
    }

    private static boolean alike(double[] some, double[] others) {
      return some.length == others.length
          && IntStream.range(0, some.length).allMatch(i -> alike(some[i], others[i]));
    }

    private static boolean alike(double some, double other) {
      return Double.compare(some, other) == 0
          || Math.abs(some - other) <= 1e-3 * Math.abs(some) + 1e-5;
    }

    private Map<String, double[]> expected() {
      Map<String, double[]> values = new HashMap<>();
      for (TensorProto tensor : graph.getInitializerList()) {
        if (tensor.getName().startsWith(EXPECTED) && tensor.getDataType() == 1) {
          values.put(tensor.getName(), floats(tensor));
        }
      }
      return values;
    }

    private static double[] floats(TensorProto tensor) {
      if (tensor.getFloatDataCount() > 0) {
        return tensor.getFloatDataList().stream().mapToDouble(Float::doubleValue).toArray();
      }
      FloatBuffer buffer =
          tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      return IntStream.range(0, buffer.remaining()).mapToDouble(buffer::get).toArray();
    }

    /** Has ONNX Runtime say what is expected; false where it does not take the graph. */
    boolean askOnnxRuntime() {
      if (endsTheProcess()) {
        return false;
      }
      Map<String, TensorProto> given = new LinkedHashMap<>();
      ModelProto.Builder bare = model.build().toBuilder();
      GraphProto.Builder nodes = bare.getGraphBuilder().clearInitializer();
      for (TensorProto tensor : graph.getInitializerList()) {
        String name = tensor.getName();
        if (name.startsWith(GIVEN)) {
          given.put(name.substring(GIVEN.length()), tensor);
        } else if (!name.startsWith(EXPECTED) && !name.equals(TOLERANCE)) {
          nodes.addInitializer(tensor);
        }
      }
      // Shapes of what comes out are no longer as the test has them.
      for (Onnx.ValueInfoProto.Builder output : nodes.getOutputBuilderList()) {
        output.getTypeBuilder().getTensorTypeBuilder().clearShape();
      }
      nodes.clearValueInfo();
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      List<OnnxTensor> fed = new ArrayList<>();
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
        options.setIntraOpNumThreads(1);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
        try (OrtSession session = environment.createSession(bare.build().toByteArray(), options)) {
          Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
          for (String name : session.getInputNames()) {
            OnnxTensor tensor = tensor(environment, given.get(name));
            fed.add(tensor);
            inputs.put(name, tensor);
          }
          try (OrtSession.Result result = session.run(inputs)) {
            return expect(result);
          }
        }
      } catch (OrtException | RuntimeException e) {
        return false;
      } finally {
        fed.forEach(OnnxTensor::close);
      }
    }

    /** What ONNX Runtime does not refuse, but dies of. */
    private boolean endsTheProcess() {
      for (NodeProto node : graph.getNodeList()) {
        for (AttributeProto attribute : node.getAttributeList()) {
          String name = attribute.getName();
          boolean parts = name.equals("num_outputs") && attribute.getI() != node.getOutputCount();
          boolean none =
              (name.endsWith("num_heads") || name.equals("group")) && attribute.getI() < 1;
          boolean still =
              List.of("strides", "dilations", "kernel_shape").contains(name)
                  && attribute.getIntsList().stream().anyMatch(i -> i < 1);
          boolean endless = attribute.getIntsList().stream().anyMatch(i -> i > 1 << 20);
          if (parts || none || still || endless) {
            return true;
          }
        }
      }
      return false;
    }

    private static OnnxTensor tensor(OrtEnvironment environment, TensorProto given)
        throws OrtException {
      if (given.getDataType() != 1) {
        throw new IllegalArgumentException("only floats are given");
      }
      double[] numbers = floats(given);
      float[] values = new float[numbers.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) numbers[i];
      }
      long[] shape = given.getDimsList().stream().mapToLong(Long::longValue).toArray();
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
    }

    private boolean expect(OrtSession.Result result) {
      Map<String, TensorProto> expected = new LinkedHashMap<>();
      for (Map.Entry<String, OnnxValue> entry : result) {
        if (!(entry.getValue() instanceof OnnxTensor tensor)
            || tensor.getInfo().type != OnnxJavaType.FLOAT) {
          return false;
        }
        TensorProto.Builder built =
            TensorProto.newBuilder().setName(EXPECTED + entry.getKey()).setDataType(1);
        for (long size : tensor.getInfo().getShape()) {
          built.addDims(size);
        }
        FloatBuffer values = tensor.getFloatBuffer();
        while (values.hasRemaining()) {
          built.addFloatData(values.get());
        }
        expected.put(built.getName(), built.build());
      }
      for (TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
        TensorProto found = expected.get(tensor.getName());
        if (found != null) {
          tensor.clear().mergeFrom(found);
        }
      }
      return true;
    }
  }
}
