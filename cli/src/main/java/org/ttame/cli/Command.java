package org.ttame.cli;

/**
 * A command in two steps: {@link #parse} answers wrong usage and must not load ND4J; the {@link
 * Job} it returns does the work.
 */
interface Command {
  CommandSpec spec();

  /** Checks the command line, and returns the work to do. */
  Job parse(Arguments arguments) throws UsageException;

  /** The work of a command, its settings checked. */
  @FunctionalInterface
  interface Job {
    /** Works; the message of whatever is thrown is a sentence for the user. */
    void run(Console console) throws Exception;
  }
}
