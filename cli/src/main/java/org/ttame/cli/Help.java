package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;
import org.ttame.cli.Main.Entry;

/** The texts behind {@code --help}. */
final class Help {
  private static final int NARROWEST = 60;
  private static final int WIDEST = 100;

  private final int width;
  private final StringBuilder text = new StringBuilder();

  private Help(int width) {
    this.width = width;
  }

  /**
   * How many columns help has.
   *
   * @param columns those of the terminal, as the environment's {@code COLUMNS} has them, or null
   * @return from 60 to 100; 100 if that is no number
   */
  static int width(String columns) {
    return columns != null && columns.matches("[0-9]{1,4}")
        ? Math.max(NARROWEST, Math.min(WIDEST, Integer.parseInt(columns)))
        : WIDEST;
  }

  /** Everything there is, in one screen. */
  static String general(List<Entry> commands, int width) {
    Help help = new Help(width);
    help.paragraph(
        "ttame: heatmaps of the image regions that drove a classifier's prediction (T-TAME)");
    help.text.append("\nusage: ttame COMMAND [options]\n\n");
    for (Entry entry : commands) {
      help.row("  " + entry.name(), entry.command().get().spec().summary(), 12);
    }
    help.text.append('\n');
    help.paragraph(
        "'ttame COMMAND --help' shows a command's options with defaults and an example.");
    help.paragraph("'ttame train' alone trains on a bundled sample: begin there.");
    help.paragraph(
        "Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 after Ctrl-C, 143 after SIGTERM.");
    return help.text.toString();
  }

  /** One command's options with defaults, and an example, which is one line at any width. */
  static String of(CommandSpec spec, int width) {
    Help help = new Help(width);
    help.write(spec);
    return help.text.toString();
  }

  private void write(CommandSpec spec) {
    paragraph("ttame " + spec.name() + ": " + spec.summary());
    text.append("\nusage: ttame ").append(spec.name()).append(" [options]");
    if (spec.operand() != null) {
      text.append(" [").append(spec.operand()).append(']');
    }
    text.append("\n\n");
    options(spec.own());
    text.append("\ncommon options:\n");
    options(spec.shared());
    text.append("\nexample:\n  ").append(spec.example()).append('\n');
    for (String note : spec.notes()) {
      text.append('\n');
      paragraph(note);
    }
  }

  private void paragraph(String words) {
    wrap(words, width).forEach(line -> text.append(line).append('\n'));
  }

  private void options(List<OptionSpec> options) {
    for (OptionSpec option : options) {
      String dashed = "--" + String.join(", --", option.names());
      String left = "  " + dashed + (option.isFlag() ? "" : " " + option.value());
      String right = option.description() + (option.repeats() ? "; may be repeated" : "");
      if (option.defaultValue() != null) {
        right += "; default " + option.defaultValue();
      }
      row(left, right, width < 80 ? 24 : 30);
    }
  }

  private void row(String left, String right, int column) {
    text.append(left);
    int indent = left.length();
    if (indent >= column - 1) {
      text.append('\n');
      indent = 0;
    }
    for (String line : wrap(right, width - column)) {
      text.append(" ".repeat(column - indent)).append(line).append('\n');
      indent = 0;
    }
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
