package org.ttame.eval.figure;

/**
 * A figure that could not be made.
 *
 * @param kind which
 * @param reason why, as a sentence
 */
public record Missing(FigureKind kind, String reason) {}
