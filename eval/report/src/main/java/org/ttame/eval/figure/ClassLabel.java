package org.ttame.eval.figure;

import java.util.List;
import org.ttame.core.Text;

/** What a class is called under a picture. */
final class ClassLabel {
  private ClassLabel() {}

  /** The name of a class, of several synonyms the first, or its index. */
  static String of(int classIndex, List<String> labels) {
    if (classIndex >= labels.size()) {
      return "class " + classIndex;
    }
    String name = labels.get(classIndex);
    int comma = name.indexOf(',');
    return comma > 0 ? name.substring(0, comma) : name;
  }

  /** A class and its probability, to two digits; what would round to 0.00 is given as less. */
  static String probable(int classIndex, double probability, List<String> labels) {
    String number = probability < 0.005 ? "<0.01" : Text.format("%.2f", probability);
    return of(classIndex, labels) + " " + number;
  }
}
