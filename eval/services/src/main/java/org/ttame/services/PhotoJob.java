package org.ttame.services;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.PassListener;

/**
 * What somebody waits for.
 *
 * @param photo of which photograph
 * @param wanted the class to explain; empty for the most probable one
 * @param method what explains; empty where only classes are asked for
 * @param progress is notified of the passes of a method of many
 * @param answer where the answer goes; cancelled by whoever has lost interest
 */
record PhotoJob(
    PhotoInput photo,
    OptionalInt wanted,
    Optional<ExplanationMethod> method,
    PassListener progress,
    CompletableFuture<PhotoAnswer> answer) {
  PhotoJob(
      PhotoInput photo,
      OptionalInt wanted,
      Optional<ExplanationMethod> method,
      PassListener progress) {
    this(photo, wanted, method, progress, new CompletableFuture<>());
  }

  boolean isLong() {
    return method.map(ExplanationMethod::takesManyPasses).orElse(false);
  }
}
