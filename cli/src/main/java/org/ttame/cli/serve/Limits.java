package org.ttame.cli.serve;

import java.time.Duration;

/**
 * What a client may ask of the server.
 *
 * @param bodyBytes of one request
 * @param heldBytes of all requests that are there at a time
 * @param headerBytes of one request, its line included
 * @param connections at a time
 * @param idle after which a connection that says nothing is closed
 * @param bodyTime that a body may take to come
 * @param drain how long the end of the server waits for answers
 */
public record Limits(
    int bodyBytes,
    long heldBytes,
    int headerBytes,
    int connections,
    Duration idle,
    Duration bodyTime,
    Duration drain) {
  /** 32 MiB a photograph, 256 MiB of all, 8 KiB of headers, 512 connections. */
  public static final Limits DEFAULT =
      new Limits(
          32 << 20,
          256L << 20,
          8 << 10,
          512,
          Duration.ofSeconds(30),
          Duration.ofSeconds(60),
          Duration.ofSeconds(30));

  /** The same for other bodies. */
  public Limits withBodyBytes(int bytes) {
    return new Limits(
        bytes, Math.max(heldBytes, 4L * bytes), headerBytes, connections, idle, bodyTime, drain);
  }
}
