package org.ttame.cli;

/** The {@code ttame} command. */
public final class Main {
  private Main() {}

  /**
   * Runs a command.
   *
   * @param args its name and options
   */
  public static void main(String[] args) {
    System.err.println("ttame: no command yet");
    System.exit(2);
  }
}
