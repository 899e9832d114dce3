package org.ttame.eval.explain;

/**
 * The door into {@link Explainer} for methods that are not this library's: implement it to have
 * your own measured beside the others. For maps that another program has written, {@link
 * MapFolderExplainer} is enough.
 */
public non-sealed interface CustomExplainer extends Explainer {}
