import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.NativeBinary;

/** Runs a SameDiff graph as a compiled plan, forwards and backwards; knows nothing of explanations. */
public final class RunGraph {
  public static void main(String[] args) {
    NativeBinary.select(); // before ND4J is touched
    SameDiff graph = SameDiff.create();
    var x = graph.placeHolder("x", DataType.FLOAT, -1, 3);
    var w = graph.var("w", Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}, {5, 6}}));
    x.mmul(w).rename("y").sum().rename("loss");
    Map<String, INDArray> inputs = Map.of("x", Nd4j.createFromArray(new float[][] {{1, 0, 2}}));
    try (var runner = GraphRunner.of(graph);
        var result = runner.gradients(inputs, "loss", List.of("y"), List.of("w"))) {
      System.out.println("y = " + result.output("y")); // [[11, 14]]
      System.out.println("dy/dw = " + result.gradient("w")); // rows of 1, 0 and 2
    }
  }
}
