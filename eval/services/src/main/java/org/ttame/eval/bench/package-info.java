/**
 * How fast a classifier and its attention mechanism run here: the work of a forward pass, an
 * explanation and a training step on images that are in memory already, so that nothing but
 * computing is timed.
 */
package org.ttame.eval.bench;
