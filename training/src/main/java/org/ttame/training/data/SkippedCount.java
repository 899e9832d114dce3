package org.ttame.training.data;

import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;

/** How many images were left out, by kind of reason. */
public final class SkippedCount {
  private final Map<Kind, Integer> byKind = new EnumMap<>(Kind.class);

  /** Counts an image. */
  public void add(Kind kind) {
    byKind.merge(kind, 1, Integer::sum);
  }

  /** All of them. */
  public int total() {
    return byKind.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** The kinds that occurred, each with its number. */
  public Map<Kind, Integer> byKind() {
    return Collections.unmodifiableMap(byKind);
  }

  /** For records: {@code skipped_images}, and {@code skipped_by_reason} with each kind's number. */
  public Map<String, Object> toMap() {
    Map<String, Object> reasons = new LinkedHashMap<>();
    byKind.forEach((kind, count) -> reasons.put(kind.words(), count));
    Map<String, Object> record = new LinkedHashMap<>();
    record.put("skipped_images", total());
    record.put("skipped_by_reason", reasons);
    return record;
  }

  /** The kinds for people, e.g. {@code 2 not an image, 1 too large}; the most frequent first. */
  public String kinds() {
    return byKind.entrySet().stream()
        .sorted(Map.Entry.<Kind, Integer>comparingByValue().reversed())
        .map(entry -> Text.format("%d %s", entry.getValue(), entry.getKey().words()))
        .collect(Collectors.joining(", "));
  }

  /** All for people, e.g. {@code 3 images skipped: 2 not an image, 1 too large}. */
  public String describe() {
    int total = total();
    return Text.format(
        "%d image%s skipped%s", total, total == 1 ? "" : "s", total == 0 ? "" : ": " + kinds());
  }

  /** The same behind the images that were read, e.g. {@code 5 images; 3 images skipped: …}. */
  public String after(long images) {
    return Text.format(
        "%d image%s%s", images, images == 1 ? "" : "s", total() == 0 ? "" : "; " + describe());
  }
}
