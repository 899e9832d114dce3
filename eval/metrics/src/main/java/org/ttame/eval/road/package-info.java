/**
 * ROAD's imputation: what a pixel would be if it told nothing beyond its surroundings (Rong et al.
 * 2022, "A Consistent and Efficient Evaluation Strategy for Attribution Methods").
 */
package org.ttame.eval.road;
