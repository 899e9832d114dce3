package org.ttame.cli;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.commons.cli.AlreadySelectedException;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;
import org.ttame.core.Text;
import org.ttame.core.storage.TextFile;

/** Turns what was typed after the command's name into {@link Arguments}. */
final class CommandLineReader {
  private CommandLineReader() {}

  /**
   * Reads the options of a command, then those of {@code --config} that the command line left out.
   *
   * @throws UsageException if an option is unknown, lacks its value or comes twice, or if the
   *     configuration file cannot be read
   */
  static Arguments read(CommandSpec spec, List<String> words) throws UsageException {
    CommandLine line = parse(spec, words);
    Map<String, String> values = new LinkedHashMap<>();
    for (Option option : line.getOptions()) {
      String value = option.hasArg() ? option.getValue() : "true";
      OptionSpec known = find(spec, option.getLongOpt()).orElseThrow();
      String before = values.get(known.name());
      if (before != null && !known.repeats()) {
        throw new UsageException(Text.format("--%s is given twice", option.getLongOpt()));
      }
      values.put(known.name(), before == null ? value : before + Arguments.NEXT + value);
    }
    if (spec.operand() == null && !line.getArgList().isEmpty()) {
      throw new UsageException(
          Text.format(
              "'%s' is not an option or its value; options begin with two dashes",
              line.getArgList().get(0)));
    }
    String config = values.get(CommonOptions.CONFIG.name());
    Map<String, String> configured = new LinkedHashMap<>();
    if (config != null) {
      configured.putAll(readConfig(spec, Arguments.toPath("--config", config)));
      configured.keySet().removeAll(values.keySet());
      values.putAll(configured);
    }
    return new Arguments(values, line.getArgList(), configured.keySet());
  }

  private static CommandLine parse(CommandSpec spec, List<String> words) throws UsageException {
    Options options = new Options();
    for (OptionSpec option : spec.options()) {
      for (String name : option.names()) {
        options.addOption(Option.builder().longOpt(name).hasArg(!option.isFlag()).get());
      }
    }
    DefaultParser parser =
        DefaultParser.builder()
            .setAllowPartialMatching(false)
            .setStripLeadingAndTrailingQuotes(false)
            .get();
    try {
      return parser.parse(options, words.toArray(String[]::new));
    } catch (UnrecognizedOptionException e) {
      throw new UsageException(unknown(spec, e.getOption()));
    } catch (MissingArgumentException e) {
      throw new UsageException(Text.format("--%s needs a value", e.getOption().getLongOpt()));
    } catch (AlreadySelectedException e) {
      throw new UsageException(Text.format("--%s is given twice", e.getOption().getLongOpt()));
    } catch (ParseException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private static Map<String, String> readConfig(CommandSpec spec, Path file) throws UsageException {
    Set<String> repeated = new TreeSet<>();
    Properties properties =
        new Properties() {
          @Override
          public synchronized Object put(Object name, Object value) {
            Object earlier = super.put(name, value);
            if (earlier != null) {
              repeated.add(name.toString());
            }
            return earlier;
          }
        };
    try {
      properties.load(new StringReader(TextFile.text(file)));
    } catch (IOException e) {
      throw new UsageException(Text.format("--config %s: %s", file, Failures.sentence(e)));
    } catch (IllegalArgumentException e) {
      throw new UsageException(
          Text.format(
              "--config %s: \\u begins a character's code of four digits; write a backslash as \\\\",
              file));
    }
    if (!repeated.isEmpty()) {
      throw new UsageException(
          Text.format("%s: %s is given twice", file, String.join(", ", repeated)));
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (String name : properties.stringPropertyNames()) {
      OptionSpec option =
          find(spec, name)
              .orElseThrow(
                  () -> new UsageException(Text.format("%s: %s", file, unknown(spec, name))));
      if (option.equals(CommonOptions.HELP) || option.equals(CommonOptions.CONFIG)) {
        throw new UsageException(
            Text.format("%s: %s belongs on the command line, not in a configuration", file, name));
      }
      String value = properties.getProperty(name).trim();
      if (option.isFlag() && !value.equals("true") && !value.equals("false")) {
        throw new UsageException(Text.format("%s: %s=%s must be true or false", file, name, value));
      }
      if (values.put(option.name(), value) != null) {
        throw new UsageException(Text.format("%s: %s is given twice", file, name));
      }
    }
    return values;
  }

  private static Optional<OptionSpec> find(CommandSpec spec, String name) {
    return spec.options().stream().filter(option -> option.names().contains(name)).findFirst();
  }

  private static String unknown(CommandSpec spec, String typed) {
    String name = typed.replaceFirst("^-+", "").replaceFirst("=.*$", "");
    List<String> names =
        spec.options().stream().flatMap(option -> option.names().stream()).toList();
    return Text.format(
        "%s has no option %s%s",
        spec.name(),
        typed,
        Text.didYouMean("--" + name, names.stream().map(known -> "--" + known).toList()));
  }
}
