import java.nio.file.Path;
import org.ttame.core.image.PngWriter;
import org.ttame.services.PhotoExplainer;

/** A photograph in, its heatmap out: RUN PHOTOGRAPH OUT.png. */
public final class ExplainPhotograph {
  public static void main(String[] args) throws Exception {
    try (var explainer = PhotoExplainer.ofRun(Path.of(args[0]))) {
      var explanation = explainer.explain(Path.of(args[1]));
      System.out.println(explanation.label() + " " + explanation.probability());
      PngWriter.write(explanation.overlay(), Path.of(args[2]));
    }
  }
}
