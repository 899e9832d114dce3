/**
 * The frozen classifier as the method sees it: a SameDiff graph from a standardised image batch
 * {@code [B, H, W, C]} to logits {@code [B, K]}, with the layers that may be explained.
 */
package org.ttame.core.classifier;
