package org.ttame.eval.figure;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.core.image.PngWriter;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.OutputFile;
import org.ttame.eval.output.OutputNames;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.Page;
import org.ttame.eval.report.ProvenanceSection;
import org.ttame.eval.report.Section;
import org.ttame.eval.report.Template;

/**
 * What {@code explain --compare} writes: {@code NAME.compare.png} for every image, and {@code
 * report.html} with the first of them, so that neither memory nor the page grows with their number.
 * Every file is written whole or not at all.
 */
public final class ComparisonReport {
  /** The page's name. */
  public static final String FILE = "report.html";

  /** So many images are on the page. */
  private static final int MOST = 24;

  private static final String TEMPLATES = "figures.html";

  private final Path folder;
  private final int most;
  private final OutputNames names = new OutputNames();
  private final List<Figure> shown = new ArrayList<>();
  private final List<Html> files = new ArrayList<>();
  private int images;

  /**
   * Nothing written yet.
   *
   * @param folder where to; made if missing
   */
  public ComparisonReport(Path folder) {
    this(folder, MOST);
  }

  /** With another number of images on the page. */
  ComparisonReport(Path folder, int most) {
    this.folder = folder;
    this.most = most;
  }

  /**
   * Writes the picture of an image.
   *
   * @param image its name
   */
  public Path add(String image, Figure figure) throws IOException {
    byte[] png = PngWriter.encode(figure.sheet().toImage());
    Path path = OutputFile.place(folder, names.of(image), ".compare.png");
    AtomicFile.write(path, out -> out.write(png));
    if (images++ < most) {
      shown.add(figure);
      String file = FileNames.shown(folder.toAbsolutePath().relativize(path.toAbsolutePath()));
      files.add(FigureSection.links(List.of(file)));
    }
    return path;
  }

  /** Writes the page. */
  public Path write(Provenance provenance) throws IOException {
    Path page = folder.resolve(FILE);
    page(provenance).write(page);
    return page;
  }

  Page page(Provenance provenance) {
    List<Section> sections = new ArrayList<>();
    sections.add(FigureSection.of(Comparison.SECTION, "Images", shown, files));
    sections.add(ProvenanceSection.of(provenance));
    String classifier = provenance.backbone().getOrDefault("name", "a classifier");
    String count =
        images <= most
            ? Text.format("%d image%s.", images, images == 1 ? "" : "s")
            : Text.format("The first %d of %,d images.", most, images);
    return new Page(
        Text.format("Explanations of %s compared", classifier),
        Html.text(count),
        sections,
        Template.read(TEMPLATES, "compared")
            .fill(Map.of("program", provenance.build().describe())));
  }
}
