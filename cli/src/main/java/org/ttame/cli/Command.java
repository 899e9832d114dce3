package org.ttame.cli;

/**
 * A command in two steps: {@link #parse} answers wrong usage and must not load ND4J; the {@link
 * Job} it returns does the work.
 */
interface Command {
  CommandSpec spec();

  /**
   * Checks the command line.
   *
   * @param arguments what was typed
   * @return the work to do
   * @throws UsageException if the command line makes no sense
   */
  Job parse(Arguments arguments) throws UsageException;

  /** The work of a command, its settings checked. */
  @FunctionalInterface
  interface Job {
    /**
     * Works.
     *
     * @param console where results and progress go
     * @throws Exception if it fails; the message is a sentence for the user
     */
    void run(Console console) throws Exception;
  }
}
