package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * What the help says about a command.
 *
 * @param name as typed
 * @param summary one line
 * @param operand what may stand without a dash, e.g. {@code FILE|DIR}; null where nothing may
 * @param own options of this command, in the order of the help
 * @param common options shared between commands, in the order of the help
 * @param example a command line that works
 * @param notes further sentences for the help, possibly none
 */
record CommandSpec(
    String name,
    String summary,
    String operand,
    List<OptionSpec> own,
    List<OptionSpec> common,
    String example,
    List<String> notes) {
  CommandSpec {
    own = List.copyOf(own);
    common = List.copyOf(common);
    notes = List.copyOf(notes);
  }

  /** Every option, the command's own first, with those that every command has at the end. */
  List<OptionSpec> options() {
    List<OptionSpec> all = new ArrayList<>(own);
    all.addAll(shared());
    return all;
  }

  /** The options that are not this command's alone. */
  List<OptionSpec> shared() {
    List<OptionSpec> all = new ArrayList<>(common);
    all.addAll(CommonOptions.EVERYWHERE);
    return all;
  }
}
