package org.ttame.backbones.onnx;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.ttame.core.Text;

/**
 * The operators that are supported: for each its converters by the version of the operator set that
 * they are from, as of ONNX's changelog. The forms that {@link Fusion} makes are among them.
 */
final class ConverterRegistry {
  private static final ConverterRegistry STANDARD = standard();

  private final Map<String, NavigableMap<Long, Entry>> entries = new HashMap<>();

  /** A converter and the attributes it knows, with the value that each must have, or null. */
  private record Entry(Converter converter, Map<String, Long> attributes) {}

  ConverterRegistry() {}

  private static ConverterRegistry standard() {
    ConverterRegistry registry = new ConverterRegistry();
    Windows.register(registry);
    Elementwise.register(registry);
    Activations.register(registry);
    Normalisations.register(registry);
    Contractions.register(registry);
    Reductions.register(registry);
    Choices.register(registry);
    Resampling.register(registry);
    Moves.register(registry);
    Picks.register(registry);
    Indexed.register(registry);
    return registry;
  }

  /** All converters that there are. */
  static ConverterRegistry all() {
    return STANDARD;
  }

  /**
   * Adds an operator of ONNX's own domain, or a form of {@link Fusion}.
   *
   * @param type operator type
   * @param since the first version of the operator set that the converter is right for; it is used
   *     up to the next one added
   * @param attributes all that the operator has, as of {@link Attributes#declared}; another one is
   *     refused
   */
  void add(String type, long since, Converter converter, String... attributes) {
    entries
        .computeIfAbsent(type, key -> new TreeMap<>())
        .put(since, new Entry(converter, Attributes.declared(attributes)));
  }

  /** The versions of the operator set since which an operator has its converters. */
  Set<Long> versions(String type) {
    NavigableMap<Long, Entry> versions = entries.get(type);
    return versions == null ? Set.of() : versions.navigableKeySet();
  }

  /** Whether an operator is supported in a version of the operator set. */
  boolean supports(String type, long opset) {
    return entry(type, opset) != null;
  }

  /**
   * An operator's converter.
   *
   * @throws UnsupportedGraphException if it has none
   */
  Converter converter(String type, long opset) {
    Entry entry = entry(type, opset);
    if (entry == null) {
      throw new UnsupportedGraphException(Text.format("operator %s is not supported", type));
    }
    return entry.converter();
  }

  /**
   * The attributes of an operator, see {@link Attributes#declared}; null if it has no converter.
   */
  Map<String, Long> attributes(String type, long opset) {
    Entry entry = entry(type, opset == 0 ? Long.MAX_VALUE : opset);
    return entry == null ? null : entry.attributes();
  }

  private Entry entry(String type, long opset) {
    NavigableMap<Long, Entry> versions = entries.get(type);
    Map.Entry<Long, Entry> found = versions == null ? null : versions.floorEntry(opset);
    return found == null ? null : found.getValue();
  }
}
