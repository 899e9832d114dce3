/**
 * Does a map depend on what the classifier, and the mechanism, have learnt? Similarity of maps
 * while layers are randomised (Adebayo et al., "Sanity Checks for Saliency Maps", 2018).
 */
package org.ttame.eval.sanity;
