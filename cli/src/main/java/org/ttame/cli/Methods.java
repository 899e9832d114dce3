package org.ttame.cli;

import java.util.List;
import org.ttame.core.attention.Variant;

/** The explanation methods of the command line, and which of them this version has. */
final class Methods {
  static final String TTAME = "ttame";
  static final String LCAM = "lcam";

  /** The control: the run's mechanism with its initial values. */
  static final String UNTRAINED = "untrained";

  /** The control: coarse noise. */
  static final String RANDOM = "random";

  /** Every name that {@code --method} will understand. */
  private static final List<String> KNOWN =
      List.of(
          TTAME,
          LCAM,
          "gradcam",
          "gradcam++",
          "scorecam",
          "ablationcam",
          "rise",
          "iia",
          "transformer-lrp");

  private Methods() {}

  /**
   * Checks a name.
   *
   * @param present the methods this version has
   * @throws UsageException if it is no method, or none of those
   */
  static void require(OptionSpec option, String name, List<String> present) throws UsageException {
    if (present.contains(name)) {
      return;
    }
    String there = String.join(", ", present);
    throw new UsageException(
        KNOWN.contains(name)
            ? "%s %s: this version does not have that method yet; it has %s"
                .formatted(option.dashed(), name, there)
            : "%s %s is no method; there are %s".formatted(option.dashed(), name, there));
  }

  /** The method that a mechanism is: L-CAM is one of our variants with a name of its own. */
  static String of(Variant variant) {
    return variant == Variant.LCAM ? LCAM : TTAME;
  }
}
