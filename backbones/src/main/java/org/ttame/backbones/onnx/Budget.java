package org.ttame.backbones.onnx;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;

/**
 * What reading one file may cost, whatever the file says: a few hundred bytes can ask for any
 * number of nodes or values. Taken before memory is, so that running out is a sentence about the
 * file.
 */
final class Budget {
  /** Nodes of the file itself; the largest classifiers have some ten thousand. */
  static final int NODES = 200_000;

  /**
   * Operations between image and logits; the largest classifiers have some five thousand. SameDiff
   * takes time by the square of how many read the same value.
   */
  private static final int OPERATIONS = 20_000;

  /** Nodes that functions may unfold to. */
  static final int UNFOLDED_NODES = 200_000;

  /** Values that one constant may have in memory: a quarter of Java's heap, at most 512 MB. */
  static final long ONE_CONSTANT =
      Math.min(1L << 26, Runtime.getRuntime().maxMemory() / (4 * Double.BYTES));

  /** Values that arithmetic on constants may read and write in all, for a small file. */
  private static final long ARITHMETIC = 4 * ONE_CONSTANT;

  /** The same for each byte of a file: standardising its weights takes two or three. */
  private static final long ARITHMETIC_OF_A_BYTE = 4;

  /** The most that the bytes of a file add: some ten seconds of work. */
  private static final long ARITHMETIC_OF_ALL = 1L << 32;

  /** Values that one operation may give for the images that a file's shapes are for. */
  private static final long COMPUTED = 1L << 28;

  /** Elements of a weight that is no larger in the file. */
  private static final long UNFOLDED_WEIGHT = 1 << 24;

  /** Bytes that all weights may take beyond four for each byte of the file. */
  private static final long UNFOLDED_WEIGHTS = 1L << 28;

  /** Operators whose constants are read when the weights are loaded, or not at all. */
  private static final Set<String> UNREAD =
      Set.of("Conv", "Gemm", "MatMul", "Shape", "Size", "Constant");

  private final Path file;
  private long nodes = UNFOLDED_NODES;
  private final long allowed;
  private long values;

  /**
   * Starts.
   *
   * @param file which is read
   * @param bytes that it has, with those beside it that hold its weights
   */
  Budget(Path file, long bytes) {
    this.file = file;
    allowed =
        ARITHMETIC
            + Math.min(bytes, ARITHMETIC_OF_ALL / ARITHMETIC_OF_A_BYTE) * ARITHMETIC_OF_A_BYTE;
    values = allowed;
  }

  /**
   * Checks the number of operations between image and logits.
   *
   * @throws UnsupportedGraphException if no classifier has so many
   */
  static void operations(int count) {
    if (count > OPERATIONS) {
      throw new UnsupportedGraphException(
          Text.format(
              "%,d operations lie between its image and its logits; at most %,d are imported",
              count, OPERATIONS));
    }
  }

  /** A node of a function's body. */
  void node() throws BackboneException {
    if (--nodes < 0) {
      throw new BackboneException(
          Text.format(
              "%s: its functions unfold to more than %,d nodes, which no classifier needs; export it without functions",
              file, UNFOLDED_NODES));
    }
  }

  /** Values that are about to be in memory. */
  void values(long count) throws BackboneException {
    values -= count;
    if (values < 0) {
      throw new BackboneException(
          Text.format(
              "%s: its constants unfold to more than the %,d values that its size and Java's heap allow for; export it with constants folded",
              file, allowed));
    }
  }

  /** A node is about to be evaluated. */
  void inputs(OnnxNode node, List<Operand> inputs) throws BackboneException {
    if (UNREAD.contains(node.type()) || Movement.moves(node.type())) {
      return;
    }
    for (Operand input : inputs) {
      if (input instanceof Constant constant) {
        values(constant.size());
      }
    }
  }

  /** A node has been evaluated; views on what was there before cost nothing. */
  void results(List<Operand> inputs, List<Constant> results) throws BackboneException {
    for (Constant result : results) {
      boolean view =
          inputs.stream().anyMatch(i -> i instanceof Constant c && c.storage() == result.storage());
      if (!view && result.storage() instanceof Storage.InMemory memory) {
        values(memory.size());
      }
    }
  }

  /**
   * Checks a count of values that are about to be in memory at once.
   *
   * @throws UnsupportedGraphException if no classifier has so many there
   */
  static int inMemory(long count) {
    if (count > ONE_CONSTANT) {
      throw new UnsupportedGraphException(
          Text.format(
              "one of its constants unfolds to %,d values, of which %,d fit into Java's heap",
              count, ONE_CONSTANT));
    }
    return Math.toIntExact(count);
  }

  /**
   * Checks a value that is computed from the image.
   *
   * @throws UnsupportedGraphException if no classifier has so large a one
   */
  static void computed(OnnxNode node, long... shape) {
    long count;
    try {
      count = Constant.count(shape);
    } catch (ArithmeticException e) {
      count = Long.MAX_VALUE;
    }
    if (count > COMPUTED) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" gives more than %,d values",
              node.type(), node.displayName(), COMPUTED));
    }
  }

  /**
   * Checks a layer's weight before anything of its size is made.
   *
   * @throws UnsupportedGraphException if it is empty, or a few values unfolded to very many
   */
  static void weight(OnnxNode node, Constant weight) {
    long size = weight.size();
    if (size == 0 || size > Math.max(weight.storage().size(), UNFOLDED_WEIGHT)) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has a weight of %,d values, made of %,d",
              node.type(), node.displayName(), size, weight.storage().size()));
    }
  }

  /** Checks that all weights together are in proportion to the files that hold them. */
  static void weights(Path file, long parameters, long fileBytes) throws BackboneException {
    if (parameters > fileBytes + UNFOLDED_WEIGHTS / Float.BYTES) {
      throw new BackboneException(
          Text.format(
              "%s: its weights unfold to %,d values, the file has %,d bytes; export it with constants folded",
              file, parameters, fileBytes));
    }
  }
}
