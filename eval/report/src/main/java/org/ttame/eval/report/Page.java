package org.ttame.eval.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;

/**
 * A page that needs nothing but itself: style sheets, scripts and pictures are inside, and its
 * content policy allows no other. Only the very scripts that this program put in may run, so that
 * not even markup that slipped through could do anything.
 *
 * @param title what it is about, plain text
 * @param lead a sentence or two below the title
 * @param sections its parts, in order, of different ids
 * @param footer who made it
 */
public record Page(String title, Html lead, List<Section> sections, Html footer) {
  private static final String FILE = "page.html";

  public Page {
    sections = List.copyOf(sections);
    List<String> ids = sections.stream().map(Section::id).toList();
    if (ids.stream().distinct().count() != ids.size()) {
      throw new IllegalArgumentException("Two sections share an id: " + ids);
    }
  }

  /** The page as HTML. */
  public String render() {
    Template link = Template.read(FILE, "link");
    Template part = Template.read(FILE, "section");
    List<Html> links =
        sections.stream()
            .map(section -> link.fill(Map.of("id", section.id(), "title", section.title())))
            .toList();
    List<Html> parts =
        sections.stream()
            .map(
                section ->
                    part.fill(
                        Map.of(
                            "id", section.id(), "title", section.title(), "body", section.body())))
            .toList();
    String script = "\n" + together(Section::scripts);
    return Template.read(FILE, "page")
            .fill(
                Map.of(
                    "title",
                    title,
                    "scripthash",
                    sha256(script),
                    "style",
                    new Html("\n" + Template.resource("page.css") + together(Section::styles)),
                    "lead",
                    lead,
                    "links",
                    Html.join(links),
                    "sections",
                    Html.join(parts),
                    "footer",
                    footer,
                    "script",
                    new Html(script)))
            .markup()
        + "\n";
  }

  /**
   * Writes the page, whole or not at all.
   *
   * @param file where to; its folder is made if missing
   */
  public void write(Path file) throws IOException {
    AtomicFile.writeText(file, render());
  }

  private String together(Function<Section, List<String>> resources) {
    return sections.stream()
        .flatMap(section -> resources.apply(section).stream())
        .distinct()
        .map(Template::resource)
        .collect(Collectors.joining());
  }

  private static String sha256(String text) {
    byte[] digest = HexFormat.of().parseHex(Sha256.of(text.getBytes(StandardCharsets.UTF_8)));
    return Base64.getEncoder().encodeToString(digest);
  }
}
