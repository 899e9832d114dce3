package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;
import org.ttame.cli.Main.Entry;

/** The texts behind {@code --help}. */
final class Help {
  private static final int WIDTH = 100;

  private Help() {}

  /** Everything there is, in one screen. */
  static String general(List<Entry> commands) {
    StringBuilder text = new StringBuilder();
    text.append(
        "ttame: heatmaps of the image regions that drove a classifier's"
            + " prediction (T-TAME)\n\n");
    text.append("usage: ttame COMMAND [options]\n\n");
    for (Entry entry : commands) {
      text.append(row("  " + entry.name(), entry.command().get().spec().summary(), 12));
    }
    text.append(
        "\n'ttame COMMAND --help' shows a command's options with defaults and an example.\n");
    text.append("'ttame train' alone trains on a bundled sample: begin there.\n");
    text.append(
        "Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 after Ctrl-C, 143 after SIGTERM.\n");
    return text.toString();
  }

  /** One command's options with defaults, and an example. */
  static String of(CommandSpec spec) {
    StringBuilder text = new StringBuilder();
    text.append("ttame ").append(spec.name()).append(": ").append(spec.summary()).append("\n\n");
    text.append("usage: ttame ").append(spec.name()).append(" [options]");
    if (spec.operand() != null) {
      text.append(" [").append(spec.operand()).append(']');
    }
    text.append("\n\n");
    appendOptions(text, spec.own());
    text.append("\ncommon options:\n");
    appendOptions(text, spec.shared());
    text.append("\nexample:\n  ").append(spec.example()).append('\n');
    for (String note : spec.notes()) {
      text.append('\n');
      wrap(note, WIDTH).forEach(line -> text.append(line).append('\n'));
    }
    return text.toString();
  }

  private static void appendOptions(StringBuilder text, List<OptionSpec> options) {
    for (OptionSpec option : options) {
      String dashed = "--" + String.join(", --", option.names());
      String left = "  " + dashed + (option.isFlag() ? "" : " " + option.value());
      String right = option.description() + (option.repeats() ? "; may be repeated" : "");
      if (option.defaultValue() != null) {
        right += "; default " + option.defaultValue();
      }
      text.append(row(left, right, 30));
    }
  }

  private static String row(String left, String right, int column) {
    StringBuilder row = new StringBuilder(left);
    boolean tooLong = left.length() >= column - 1;
    if (tooLong) {
      row.append('\n');
    }
    int indent = tooLong ? 0 : left.length();
    for (String line : wrap(right, WIDTH - column)) {
      row.append(" ".repeat(column - indent)).append(line).append('\n');
      indent = 0;
    }
    return row.toString();
  }

  private static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ", -1)) {
      if (line.length() > 0 && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() == 0 ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
