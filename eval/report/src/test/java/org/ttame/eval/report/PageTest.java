package org.ttame.eval.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class PageTest {
  @Test
  void textIsEscapedAndMarkupStands() {
    Template template = Template.of("t", "<p title=\"{{a}}\">{{b}}</p>");
    assertThat(template.fill(Map.of("a", "\"&'", "b", new Html("<i>x</i>"))).markup())
        .isEqualTo("<p title=\"&quot;&amp;&#39;\"><i>x</i></p>");
    assertThat(template.fill(Map.of("a", "{{b}}", "b", "<script>")).markup())
        .isEqualTo("<p title=\"{{b}}\">&lt;script&gt;</p>");
  }

  @Test
  void whatNoPageMayContainIsReplaced() {
    assertThat(Html.text("a\u0000b\u001bc\ud800d\u0085").markup())
        .isEqualTo("a\ufffdb\ufffdc\ufffdd\ufffd");
    assertThat(Html.text("tab\tünï😀").markup()).isEqualTo("tab\tünï😀");
  }

  @Test
  void everyPlaceIsFilled() {
    Template template = Template.of("t", "{{a}} {{b}}");
    assertThatThrownBy(() -> template.fill(Map.of("a", 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("The template t has the places [a, b], got values for [a]: [b] do not match");
    assertThatThrownBy(() -> template.fill(Map.of("a", 1, "b", 2, "c", 3)))
        .hasMessageContaining("[c] do not match");
    assertThatThrownBy(() -> Template.read("page.html", "nothing"))
        .hasMessage("page.html has no template nothing");
  }

  @Test
  void aPageCarriesWhatItsSectionsNeedOnce() {
    Section gallery =
        new Section("a", "A & B", Html.text("body"), List.of("gallery.css"), List.of("gallery.js"));
    Section again = new Section("b", "B", Html.NONE, List.of("gallery.css"), List.of("gallery.js"));
    String html = new Page("T", Html.NONE, List.of(gallery, again), Html.NONE).render();
    assertThat(html).startsWith("<!doctype html>").endsWith("</html>\n");
    assertThat(html).contains("<a href=\"#a\">A &amp; B</a>", "<h2 id=\"b-title\">B</h2>");
    assertThat(html)
        .containsOnlyOnce("\"use strict\"")
        .containsOnlyOnce(".toolbar { display: none; }");
  }

  @Test
  void onlyItsOwnScriptMayRun() {
    Page with =
        new Page(
            "T",
            Html.NONE,
            List.of(new Section("a", "A", Html.NONE, List.of(), List.of("gallery.js"))),
            Html.NONE);
    Page without = new Page("T", Html.NONE, List.of(), Html.NONE);
    Pattern policy = Pattern.compile("default-src 'none'; img-src data:;.*?'sha256-([^']{44})'");
    assertThat(policy.matcher(with.render()).results().map(MatchResult::group)).hasSize(1);
    assertThat(policy.matcher(with.render()).results().map(found -> found.group(1)).toList())
        .isNotEqualTo(
            policy.matcher(without.render()).results().map(found -> found.group(1)).toList());
  }

  @Test
  void refusesWhatLinksCouldNotTellApart() {
    Section one = Section.of("a", "A", Html.NONE);
    assertThatThrownBy(() -> new Page("T", Html.NONE, List.of(one, one), Html.NONE))
        .hasMessage("Two sections share an id: [a, a]");
    assertThatThrownBy(() -> Section.of("A 1", "A", Html.NONE))
        .hasMessage("A section's id is of lower-case letters and hyphens, got \"A 1\"");
  }
}
