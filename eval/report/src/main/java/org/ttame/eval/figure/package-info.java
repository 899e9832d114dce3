/**
 * The paper's figures: the same images across classifiers and across methods, true against false
 * classes, several classes in one image, mistakes, and ROAD's imputation.
 */
package org.ttame.eval.figure;
